# An edge in front of the shell: Varnish 7.1 and later with vmod_xkey (Debian: varnish, varnish-modules).
# What it does, and the two settings of the shell that belong to it, are in docs/operations.md, "Behind an ESI edge".
vcl 4.1;

import cookie;
import std;
import xkey;

backend shell {
    .host = "127.0.0.1";
    .port = "8000";
    .connect_timeout = 1s;
    .first_byte_timeout = 15s;
    .between_bytes_timeout = 30s;   # a stream of updates sends something every 10 s
}

# Whoever may purge: the shells.
acl shells {
    "127.0.0.1";
    "::1";
}

sub vcl_recv {
    if (req.method == "PURGE") {
        if (client.ip !~ shells) {
            return (synth(403, "Forbidden"));
        }
        return (synth(200, "Purged " + xkey.purge(req.http.Surrogate-Key)));
    }

    call vcl_req_host;

    # Only the edge's own requests are includes, and only its own word about itself counts.
    if (req.esi_level == 0 && req.url ~ "^/-/esi/") {
        return (synth(404, "Not Found"));
    }
    set req.http.Surrogate-Capability = {"varnish="ESI/1.0""};
    unset req.http.X-Look;

    # What is past its time is shown only when the shell does not answer (see vcl_deliver).
    if (req.restarts == 0) {
        set req.grace = 0s;
    } else {
        set req.grace = 24h;
    }

    if (req.method != "GET" && req.method != "HEAD") {
        return (pass);
    }
    # Includes are the same for all, and so are files under a hash of their content.
    if (req.esi_level > 0 || req.url ~ "^/static/" || req.url ~ "^/-/[^/?]+/assets/") {
        unset req.http.Cookie;
        return (hash);
    }
    if (req.url ~ "^/(-/|livez|readyz|metrics|\.well-known/)") {
        return (pass);
    }
    # A page is one for all who read one language and like one look. The shell alone knows which pages are; for all
    # others it needs the cookie, so the cookie stays.
    cookie.parse(req.http.Cookie);
    set req.http.X-Look = cookie.get("lang") + "/" + cookie.get("theme");
    # As good as no preference: the portal speaks English and Korean, and English first.
    if (req.http.Accept-Language !~ "(?i)ko") {
        set req.http.Accept-Language = "en";
    }
    return (hash);
}

sub vcl_hash {
    if (req.http.X-Look) {
        hash_data(req.http.X-Look);
    }
}

sub vcl_backend_fetch {
    unset bereq.http.X-Look;
}

sub vcl_backend_response {
    if (beresp.http.Surrogate-Control ~ "ESI/1\.0") {
        set beresp.do_esi = true;
    }
    if (bereq.uncacheable) {
        return (deliver);   # nothing between a stream of updates and its page
    }
    if (beresp.http.Content-Type ~ "^(text/|application/(javascript|json)|image/svg)") {
        set beresp.do_gzip = true;
    }
    if (beresp.http.Surrogate-Control ~ "max-age=[0-9]+") {
        set beresp.ttl = std.duration(regsub(beresp.http.Surrogate-Control, "^.*max-age=([0-9]+).*$", "\1s"), 0s)
            - std.duration(beresp.http.Age + "s", 0s);
        set beresp.http.xkey = beresp.http.Surrogate-Key;
        # For browsers it stays as it is; here the cookie is in the hash, as far as it matters.
        set beresp.http.X-Vary = beresp.http.Vary;
        set beresp.http.Vary = "Accept-Language";
    } elsif (!beresp.http.Cache-Control) {
        set beresp.ttl = 0s;   # who says nothing is not kept
    }
    set beresp.grace = 1h;
}

sub vcl_backend_error {
    set beresp.http.X-Nobody-There = "yes";
    set beresp.http.Content-Type = "text/html; charset=utf-8";
    set beresp.http.Cache-Control = "no-store";
    set beresp.http.Retry-After = "5";
    set beresp.body = {"<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Resting for a moment</title>
<p>The portal does not answer just now. Please try again in a moment.</p>
<p lang="ko">지금은 응답이 없습니다. 잠시 후 다시 시도해 주세요.</p>
</html>
"};
    return (deliver);
}

sub vcl_deliver {
    # An old copy is better than an error, though not one that is known to be wrong: those were purged.
    if (resp.http.X-Nobody-There && req.restarts == 0 && (req.method == "GET" || req.method == "HEAD")) {
        return (restart);
    }
    if (req.esi_level > 0 && resp.status != 200) {
        return (synth(resp.status, "Include"));
    }
    if (resp.http.X-Vary) {
        set resp.http.Vary = resp.http.X-Vary;
        unset resp.http.X-Vary;
    }
    if (obj.hits > 0) {
        unset resp.http.X-Request-Id;   # it was another request's
    }
    unset resp.http.Surrogate-Control;
    unset resp.http.Surrogate-Key;
    unset resp.http.X-Nobody-There;
    unset resp.http.xkey;
}

sub vcl_synth {
    if (req.esi_level > 0) {
        # The element that was asked for, empty: on an open page it is filled when the shell is back.
        set resp.body = "";
        if (req.url ~ "^/-/esi/[a-z0-9-]+/[a-z0-9-]+\?(.*&)?id=[a-z0-9-]+(&|$)") {
            set resp.body = regsub(req.url, "^/-/esi/([a-z0-9-]+)/([a-z0-9-]+)\?(?:.*&)?id=([a-z0-9-]+).*$",
                {"<section id="\3" class="fragment fragment-\1" data-state="failed" data-fragment="\1/\2" hidden></section>"});
        }
        return (deliver);
    }
    set resp.http.Content-Type = "text/plain; charset=utf-8";
    set resp.http.Cache-Control = "no-store";
    set resp.body = resp.reason;
    return (deliver);
}
