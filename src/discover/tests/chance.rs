//! Names, paths and ports by chance, among them those that somebody may give to harm.

use std::net::SocketAddr;

/// Names that somebody may give.
const NASTY: &[&str] = &[
    "",
    " ",
    "-rf",
    "--help",
    ".",
    "..",
    "../../etc/shadow",
    "a-b",
    "a_b",
    "A.B",
    "down",
    "service-down",
    "services",
    "here",
    "later",
    "self",
    "static",
    "fn",
    "crate",
    "9lives",
    "2",
    "_x",
    "@",
    ":x",
    "+x",
    "ssh",
    "redis",
    "caddy",
    "docker",
    "localhost",
    "postgresql",
    "ssh-pm2",
    "redis-docker",
    "x\nstatic EVIL: u8 = 1;",
    "x\r//",
    "\";} fn evil() { panic!(\"",
    "*/ static X: u8 = 0; /*",
    "\"#",
    "\\",
    "\\\"",
    "x\u{2028}static Y: u8 = 1;",
    "x\u{2029}",
    "\u{202e}gnp.exe",
    "\u{1b}[2J",
    "\u{0}",
    "é",
    "名前",
    "{}",
    "{0}",
    "//",
    "my app",
    "shop:web",
    "srv-my\\x2dshop",
    "web@1",
];

/// Numbers by chance, the same in each run.
pub(super) struct Chance(pub(super) u64);

impl Chance {
    pub(super) fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % bound as u64).unwrap()
    }

    pub(super) fn name(&mut self) -> String {
        let nasty = NASTY[self.below(NASTY.len())];
        match self.below(8) {
            0 => nasty.repeat(1 + self.below(300)),
            1 => format!("{nasty}{}", NASTY[self.below(NASTY.len())]),
            2 => {
                (0..self.below(12)).filter_map(|_| char::from_u32(u32::try_from(self.below(0x3000)).unwrap())).collect()
            }
            3 => format!("app-{}", self.below(4)),
            _ => nasty.to_owned(),
        }
    }

    pub(super) fn path(&mut self) -> String {
        match self.below(3) {
            0 => self.name(),
            1 => format!("/srv/{}", self.name()),
            _ => format!("/srv/shop{}", self.below(3)),
        }
    }

    pub(super) fn port(&mut self) -> u16 {
        [0, 22, 80, 5432, 6379, 8080, 8081, u16::MAX][self.below(8)]
    }

    pub(super) fn address(&mut self) -> SocketAddr {
        let ip = ["0.0.0.0", "::", "127.0.0.1", "::1", "10.0.0.1", "::ffff:127.0.0.1"][self.below(6)];
        SocketAddr::new(ip.parse().unwrap(), self.port())
    }
}
