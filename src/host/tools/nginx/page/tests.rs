use super::*;

const FILE: &str = "/etc/nginx/conf.d/00-opsctl-maintenance.conf";
const HOSTS: [&str; 3] = ["plugspace.io", "studio.plugspace.io", "admin.plugspace.io"];

/// What nginx-setup.sh of the repository leaves behind, shortened; `includes` are at the end of its http block.
fn dump(includes: &str, site: &str) -> String {
    format!(
        r#"# configuration file /etc/nginx/nginx.conf:
user www-data;
include /etc/nginx/modules-enabled/*.conf;
events {{ worker_connections 65535; }}
http {{
    include mime.types;
    log_format json escape=json '{{' '"status": "$status"' '}}';
    {includes}
}}

# configuration file /etc/nginx/mime.types:
types {{ text/html html; }}

# configuration file /etc/nginx/conf.d/stub_status.conf:
server {{ listen 127.0.0.1:8080; server_name localhost; location /nginx_status {{ stub_status on; }} }}

# configuration file /etc/nginx/sites-enabled/plugspace:
{site}

# configuration file /etc/letsencrypt/options-ssl-nginx.conf:
ssl_protocols TLSv1.2 TLSv1.3;
ssl_ciphers "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256";
"#
    )
}

const INCLUDES: &str = "include /etc/nginx/conf.d/*.conf; include sites-enabled/*;";

const SITE: &str = r#"
server {
    listen 80 default_server;
    listen [::]:80 default_server;
    server_name plugspace.io www.plugspace.io admin.plugspace.io;
    location /.well-known/acme-challenge/ { root /var/www/certbot; allow all; }
    location / { return 301 https://$host$request_uri; }
}
server {
    listen 443 ssl http2 reuseport backlog=4096;
    listen [::]:443 ssl http2 ipv6only=on;
    server_name plugspace.io www.plugspace.io plugspace.example "~^x\d{2}\.plugspace\.io$";
    ssl_certificate /etc/nginx/ssl/selfsigned.crt;
    ssl_certificate_key "/etc/nginx/ssl/self signed.key";
    include /etc/letsencrypt/options-ssl-nginx.conf;
    limit_conn conn_limit 20;
    location /health { access_log off; return 200 'OK'; add_header Content-Type text/plain; }
    location /api/ { proxy_pass http://backend; }
    location / { proxy_pass http://frontend; }
}
server {
    listen 10.0.0.5:8443 ssl proxy_protocol;
    listen 10.0.0.5:443 ssl;
    server_name *.projects.plugspace.io .studio.plugspace.io;
    root /var/www/projects/$host;
    location / { try_files $uri /index.html; }
}
server {
    listen 443 ssl;
    server_name other.example notplugspace.io;
    location / { proxy_pass http://other; }
}"#;

fn found(dump: &str) -> Result<Site, Objection> {
    site(dump, &HOSTS, FILE, "/health")
}

#[test]
fn the_page_is_a_twin_of_each_server_that_visitors_of_the_site_reach() {
    let site = found(&dump(INCLUDES, SITE)).unwrap();
    assert_eq!(site.main, "/etc/nginx/nginx.conf");
    let wanted = "# Made by opsctl: the site answers 503 until `opsctl maintenance off` takes this file away.
# Of servers with one name at one address nginx takes the first, so it must be read before the site.
geo $opsctl_elsewhere { default 1; 127.0.0.0/8 0; ::1 0; }
server {
    listen 443 ssl http2;
    listen [::]:443 ssl http2;
    server_name plugspace.io www.plugspace.io;
    ssl_certificate /etc/nginx/ssl/selfsigned.crt;
    ssl_certificate_key \"/etc/nginx/ssl/self signed.key\";
    ssl_protocols TLSv1.2 TLSv1.3;
    ssl_ciphers ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256;
    location = /health {
        if ($opsctl_elsewhere) { rewrite ^ /opsctl-maintenance last; }
        types { }
        default_type text/plain;
        return 200 OK;
    }
    location / {
        types { }
        default_type \"text/html; charset=utf-8\";
        add_header Retry-After 600 always;
        add_header X-Maintenance on always;
        add_header Cache-Control no-store always;
        return 503 'PAGE';
    }
}
server {
    listen 10.0.0.5:8443 ssl proxy_protocol;
    listen 10.0.0.5:443 ssl;
    server_name *.projects.plugspace.io .studio.plugspace.io;
    location / {
        types { }
        default_type \"text/html; charset=utf-8\";
        add_header Retry-After 600 always;
        add_header X-Maintenance on always;
        add_header Cache-Control no-store always;
        return 503 'PAGE';
    }
}
";
    assert_eq!(site.page("/health", "Back at 6.", 600).replace(&html("Back at 6."), "PAGE"), wanted);
}

#[test]
fn a_message_stays_text_in_html_and_a_word_of_nginx() {
    let page = html("<script>alert('x');</script> $host \"} 5 € \\ é &amp;");
    let text = page.split_once("<p>").unwrap().1.split_once("</p>").unwrap().0;
    assert_eq!(
        text,
        "&#60;script&#62;alert(&#39;x&#39;)&#59;&#60;&#47;script&#62; &#36;host &#34;&#125; 5 &#8364; &#92; &#233; &#38;amp&#59;"
    );
    assert!(!page.contains(['\'', '$', '\\']));
    // Shorter than the longest word that nginx takes, with the longest message of the longest characters.
    assert!(html(&"\u{10ffff}".repeat(200)).len() < 4000);
}

#[test]
fn every_host_can_be_asked_for() {
    let site = found(&dump(INCLUDES, SITE)).unwrap();
    let told = |all: &[Endpoint]| -> Vec<String> {
        let address = |e: &Endpoint| e.address.map_or_else(|| "*".to_owned(), |address| address.to_string());
        all.iter().map(|e| format!("{} {} {} tls={} health={}", e.host, address(e), e.port, e.tls, e.health)).collect()
    };
    let wanted = [
        "opsctl-asks.projects.plugspace.io 10.0.0.5 443 tls=true health=false",
        "plugspace.io * 443 tls=true health=true",
        "studio.plugspace.io 10.0.0.5 443 tls=true health=false",
        "www.plugspace.io * 443 tls=true health=true",
    ];
    assert_eq!(told(&site.endpoints()), wanted);
    // Our own file tells the same, without the rest of the configuration.
    assert_eq!(told(&endpoints_of_page(&site.page("/health", "x", 1)).unwrap()), wanted);
    assert_eq!(endpoints_of_page("server { listen 80; server_name plugspace.io; }"), None);
    let listens =
        ["80", "*:81", "[::]:82 ssl", "[::1]:83", "localhost:84", "10.1.1.1", "unix:/run/x", "443 quic", "x.y:1"];
    let told: Vec<_> = listens.iter().map(|listen| reachable(listen)).collect();
    let v6 = Some(IpAddr::V6(Ipv6Addr::LOCALHOST));
    let ten = Some("10.1.1.1".parse().unwrap());
    let wanted =
        [(80, false, None), (81, false, None), (82, true, v6), (83, false, v6), (84, false, None), (80, false, ten)];
    assert_eq!(told, wanted.into_iter().map(Some).chain([None; 3]).collect::<Vec<_>>());
}

#[test]
fn a_file_that_nginx_would_not_read_first_is_no_page() {
    // As the nginx.conf of infrastructure/ has it: nothing is included.
    assert_eq!(found(&dump(&SITE.replace('\n', " "), "")), Err(Objection::NotRead));
    let turned = "include sites-enabled/*; include /etc/nginx/conf.d/*.conf;";
    let behind = |names: &str, path: &str| Err(Objection::Behind(names.to_owned(), path.to_owned()));
    assert_eq!(
        found(&dump(turned, SITE)),
        behind("plugspace.io www.plugspace.io", "/etc/nginx/sites-enabled/plugspace")
    );
    let inline = format!("{} {INCLUDES}", SITE.replace('\n', " "));
    assert_eq!(found(&dump(&inline, "")), behind("plugspace.io www.plugspace.io", "/etc/nginx/nginx.conf"));
    // In one directory the names decide; digits come first.
    let other = |name: &str| {
        let more = format!(
            "# configuration file /etc/nginx/conf.d/{name}:\nserver {{ server_name plugspace.io; root /x; }}\n"
        );
        found(&(dump(INCLUDES, SITE) + &more))
    };
    assert_eq!(other("00-a.conf"), behind("plugspace.io", "/etc/nginx/conf.d/00-a.conf"));
    assert_eq!(other("plugspace.conf").unwrap().twins.len(), 3);
    assert_eq!(found(&dump(INCLUDES, "")), Err(Objection::NoServer));
    assert!(matches!(found(""), Err(Objection::Malformed(_))));
    assert!(matches!(found("# configuration file /etc/nginx/nginx.conf:\nevents { }\n"), Err(Objection::Malformed(_))));
}

#[test]
fn what_is_there_already_does_not_count() {
    let before = found(&dump(INCLUDES, SITE)).unwrap();
    let ours = format!("# configuration file {FILE}:\n{}", before.page("/health", "x", 600));
    assert_eq!(found(&(dump(INCLUDES, SITE) + &ours)).unwrap(), before);
}

#[test]
fn cut_anywhere_it_is_an_error_or_a_part_of_the_site() {
    let whole = dump(INCLUDES, SITE);
    let all = found(&whole).unwrap();
    for end in (0..whole.len()).filter(|end| whole.is_char_boundary(*end)) {
        if let Ok(part) = found(&whole[..end]) {
            assert!(part.twins.len() <= all.twins.len(), "cut at {end}");
        }
    }
}

#[test]
fn it_can_be_tried_before_it_is_in_its_place() {
    let site = found(&dump(INCLUDES, SITE)).unwrap();
    let main = site.main_with("/etc/nginx/conf.d/.00-x.new");
    assert!(main.contains("http {\ninclude /etc/nginx/conf.d/.00-x.new;\n    include mime.types;"), "{main}");
    assert_eq!(main.replace("\ninclude /etc/nginx/conf.d/.00-x.new;", ""), site.before_include + &site.after_include);
}

#[test]
fn patterns_are_those_of_the_shell() {
    for (pattern, path, wanted) in [
        ("/e/*.conf", "/e/a.conf", true),
        ("/e/*.conf", "/e/.conf", false),
        ("/e/*.conf", "/e/.a.conf", false),
        ("/e/*", "/e/a/b", false),
        ("/e/*/b", "/e/a/b", true),
        ("/e/a?c", "/e/abc", true),
        ("/e/a?c", "/e/a/c", false),
        ("/e/?a", "/e/.a", false),
        ("/e/a", "/e/a", true),
        ("/e/a", "/e/ab", false),
        ("/e/*a*b*", "/e/xxaxxbxx", true),
        ("/e/[ab].conf", "/e/b.conf", true),
        ("/e/[ab].conf", "/e/c.conf", false),
        ("/e/**.conf", "/e/a/b.conf", false),
        ("/e/**.conf", "/e/b.conf", true),
        ("/e/[a", "/e/[a", true),
    ] {
        assert_eq!(is_included(pattern, path), wanted, "{pattern} {path}");
    }
}
