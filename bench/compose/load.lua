-- One line of JSON at the end; a query of its own for each request where LOAD_QUERY says so (load.py).

local kind = os.getenv("LOAD_QUERY")
local asked = 0

if kind == "count" or kind == "visitor" then
  local name = kind == "count" and "?n=" or "?v="
  request = function()
    asked = asked + 1
    return wrk.format(nil, wrk.path .. name .. asked)
  end
elseif kind == "variant" then
  request = function()
    return wrk.format(nil, wrk.path .. "?v=" .. math.random(0, 999))
  end
end

done = function(summary, latency)
  local errors = summary.errors
  local failed = errors.connect + errors.read + errors.write + errors.status + errors.timeout
  io.write(string.format(
    'LOAD {"requests":%d,"duration_us":%d,"p50_us":%.1f,"p99_us":%.1f,"longest_us":%d,"failed":%d}\n',
    summary.requests, summary.duration, latency:percentile(50), latency:percentile(99), latency.max, failed
  ))
end
