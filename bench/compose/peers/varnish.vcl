# Pages are cached layouts with ESI includes; fragments under /bench/kept/ are cached, all others pass.
vcl 4.1;

backend bench { .host = "127.0.0.1"; .port = "@BENCH@"; .max_connections = 4000; .connect_timeout = 1s; .first_byte_timeout = 1s; .between_bytes_timeout = 1s; }
backend hung { .host = "127.0.0.1"; .port = "@HUNG@"; .connect_timeout = 1s; .first_byte_timeout = 1s; .between_bytes_timeout = 1s; }
backend away { .host = "127.0.0.1"; .port = "@AWAY@"; .connect_timeout = 1s; .first_byte_timeout = 1s; .between_bytes_timeout = 1s; }

sub vcl_recv {
    if (req.url ~ "^/hung/") {
        set req.backend_hint = hung;
    } elsif (req.url ~ "^/away/") {
        set req.backend_hint = away;
    } else {
        set req.backend_hint = bench;
    }
    if (req.url ~ "^/p/") {
        set req.url = regsub(req.url, "\?.*$", "");
        return (hash);
    }
    if (req.url ~ "^/bench/kept/") {
        return (hash);
    }
    return (pass);
}

sub vcl_backend_response {
    if (bereq.url ~ "^/p/") {
        set beresp.do_esi = true;
    }
}
