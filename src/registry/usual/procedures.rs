//! Procedures that every deployment has, because every host needs them: what `opsctl run` does where a runbook has nothing of its own.

use super::super::procedure::{Assertion, Invocation, Parameter, ParameterKind, Procedure, Step, Undo};
use super::Risk;
use super::checklists::POST_INCIDENT;
use Assertion::{All, Any, Command, Installed, IsIpv6, Not};

/// The procedures of every deployment; one of its own of the same name takes the place of the usual one.
pub static PROCEDURES: &[&Procedure] = &[&BLOCK_IP, &UNBLOCK_IP, &MAKE_ROOM, &AUDIT_LOGINS, &POST_INCIDENT, &REBOOT];

const ADDRESS: &[Parameter] = &[Parameter::new("ip", ParameterKind::Address).help("address of the attacker")];

/// `ufw` is installed and switched on.
const UFW: Assertion = All(&[
    Installed("ufw"),
    Command(
        Invocation::new(&["ufw", "status"]).expects("(?m)^Status: active").means("ufw is active", "ufw is not active"),
    ),
]);
/// Without `ufw` the packet filter is asked itself.
const BARE: Assertion = Not(&UFW);
const V6: Assertion = IsIpv6("ip");
const V4: Assertion = Not(&V6);

/// In the kernel's own list of rules the address is dropped before anything is accepted: a rule that stands behind those that let
/// everybody in has no effect.
const FIRST_BY_UFW: Assertion = Any(&[
    All(&[
        V4,
        Command(
            Invocation::new(&["iptables", "-S", "ufw-user-input", "--wait", "5"])
                .expects(r"\A(?:-N[^\n]*\n|-A[^\n]* -j (?:DROP|REJECT)[^\n]*\n)*-A ufw-user-input -s {ip}/32 -j DROP")
                .no(1)
                .means("ufw drops {ip} before all other rules", "ufw does not drop {ip} before all other rules"),
        ),
    ]),
    All(&[
        V6,
        Command(
            Invocation::new(&["ip6tables", "-S", "ufw6-user-input", "--wait", "5"])
                .expects(r"\A(?:-N[^\n]*\n|-A[^\n]* -j (?:DROP|REJECT)[^\n]*\n)*-A ufw6-user-input -s {ip}/128 -j DROP")
                .no(1)
                .means("ufw drops {ip} before all other rules", "ufw does not drop {ip} before all other rules"),
        ),
    ]),
]);
/// `ufw` has a rule about the address, wherever it stands.
const IN_UFW: Assertion = Command(
    Invocation::new(&["ufw", "status"])
        .expects(r"(?m)^Anywhere(?: \(v6\))? +DENY +(?:IN +)?{ip} *$")
        .means("ufw has a rule about {ip}", "ufw has no rule about {ip}"),
);

const IN_IPTABLES: Assertion = Command(
    Invocation::new(&["iptables", "-C", "INPUT", "-s", "{ip}", "-j", "DROP", "--wait", "5"])
        .no(1)
        .means("iptables drops {ip}", "iptables does not drop {ip}"),
);
const IN_IP6TABLES: Assertion = Command(
    Invocation::new(&["ip6tables", "-C", "INPUT", "-s", "{ip}", "-j", "DROP", "--wait", "5"])
        .no(1)
        .means("ip6tables drops {ip}", "ip6tables does not drop {ip}"),
);
const IN_DOCKER: Assertion = Command(
    Invocation::new(&["iptables", "-C", "DOCKER-USER", "-s", "{ip}", "-j", "DROP", "--wait", "5"])
        .no(1)
        .means("the chain of docker drops {ip}", "the chain of docker does not drop {ip}"),
);

/// Docker sends packets for published ports past `ufw` and `INPUT`; its own chain for such rules is asked for.
const HAS_DOCKER: Assertion = All(&[
    V4,
    Installed("iptables"),
    Command(
        Invocation::new(&["iptables", "-S", "DOCKER-USER", "--wait", "5"])
            .no(1)
            .means("docker filters packets", "docker filters no packets"),
    ),
]);

/// Blocks an address in the firewall, before all rules that let somebody in.
pub static BLOCK_IP: Procedure = Procedure::new(
    "block-ip",
    &[
        Step::check(
            "foreign",
            "check that {ip} is neither this host nor yours",
            Assertion::Foreign("ip"),
            "nobody is blocked who would lock you out",
        ),
        Step::check(
            "firewall",
            "check that there is a firewall to block it with",
            Any(&[UFW, Installed("iptables")]),
            "install ufw: apt-get install ufw",
        ),
        Step::command(
            "reorder",
            "remove the rule about {ip} that stands behind others",
            Invocation::new(&["ufw", "delete", "deny", "from", "{ip}"]),
            Risk::Safe,
        )
        .only_if(All(&[UFW, IN_UFW, Not(&FIRST_BY_UFW)]))
        .proof(Not(&IN_UFW))
        .undo(Undo::Command(Invocation::new(&["ufw", "deny", "from", "{ip}"]))),
        Step::command(
            "ufw",
            "block {ip} in ufw, before all other rules",
            Invocation::new(&["ufw", "prepend", "deny", "from", "{ip}"]),
            Risk::Disruptive,
        )
        .only_if(UFW)
        .proof(FIRST_BY_UFW)
        .undo(Undo::Command(Invocation::new(&["ufw", "delete", "deny", "from", "{ip}"]))),
        Step::command(
            "iptables",
            "block {ip} in iptables, until the next reboot",
            Invocation::new(&["iptables", "-I", "INPUT", "1", "-s", "{ip}", "-j", "DROP", "--wait", "5"]),
            Risk::Disruptive,
        )
        .only_if(All(&[BARE, V4]))
        .proof(IN_IPTABLES)
        .undo(Undo::Command(Invocation::new(&["iptables", "-D", "INPUT", "-s", "{ip}", "-j", "DROP", "--wait", "5"]))),
        Step::command(
            "ip6tables",
            "block {ip} in ip6tables, until the next reboot",
            Invocation::new(&["ip6tables", "-I", "INPUT", "1", "-s", "{ip}", "-j", "DROP", "--wait", "5"]),
            Risk::Disruptive,
        )
        .only_if(All(&[BARE, V6]))
        .proof(IN_IP6TABLES)
        .undo(Undo::Command(Invocation::new(&["ip6tables", "-D", "INPUT", "-s", "{ip}", "-j", "DROP", "--wait", "5"]))),
        Step::command(
            "docker",
            "block {ip} for the published ports of containers, until the next reboot",
            Invocation::new(&["iptables", "-I", "DOCKER-USER", "1", "-s", "{ip}", "-j", "DROP", "--wait", "5"]),
            Risk::Disruptive,
        )
        .only_if(HAS_DOCKER)
        .proof(IN_DOCKER)
        .undo(Undo::Command(Invocation::new(&["iptables", "-D", "DOCKER-USER", "-s", "{ip}", "-j", "DROP", "--wait", "5"]))),
    ],
)
.aliases(&["ban", "deny-ip"])
.summary("block an address in the firewall")
.section("firewall of any Linux host")
.when("one address floods the host, guesses passwords or scrapes it")
.not_when("many addresses take part: ask the hoster; an address of your own office or proxy: everybody behind it is blocked")
.parameters(ADDRESS)
.done(&[Any(&[All(&[UFW, FIRST_BY_UFW]), All(&[BARE, V4, IN_IPTABLES]), All(&[BARE, V6, IN_IP6TABLES])])])
.note(
    "a rule of ufw remains after a reboot; one of iptables does not. Connections that are already open go on until they end. \
     It covers every port, so nothing is needed in nginx. A proxy in front of this host (a CDN) hides the address: block it there",
);

/// Takes such a block back.
pub static UNBLOCK_IP: Procedure = Procedure::new(
    "unblock-ip",
    &[
        Step::command(
            "ufw",
            "remove the rule about {ip} from ufw",
            Invocation::new(&["ufw", "delete", "deny", "from", "{ip}"]),
            Risk::Safe,
        )
        .only_if(All(&[UFW, IN_UFW]))
        .proof(Not(&IN_UFW))
        .undo(Undo::Command(Invocation::new(&["ufw", "prepend", "deny", "from", "{ip}"]))),
        Step::command(
            "iptables",
            "remove the rule about {ip} from iptables",
            Invocation::new(&["iptables", "-D", "INPUT", "-s", "{ip}", "-j", "DROP", "--wait", "5"]),
            Risk::Safe,
        )
        .only_if(All(&[Installed("iptables"), V4, IN_IPTABLES]))
        .proof(Not(&IN_IPTABLES))
        .undo(Undo::Command(Invocation::new(&[
            "iptables", "-I", "INPUT", "1", "-s", "{ip}", "-j", "DROP", "--wait", "5",
        ]))),
        Step::command(
            "ip6tables",
            "remove the rule about {ip} from ip6tables",
            Invocation::new(&["ip6tables", "-D", "INPUT", "-s", "{ip}", "-j", "DROP", "--wait", "5"]),
            Risk::Safe,
        )
        .only_if(All(&[Installed("ip6tables"), V6, IN_IP6TABLES]))
        .proof(Not(&IN_IP6TABLES))
        .undo(Undo::Command(Invocation::new(&[
            "ip6tables",
            "-I",
            "INPUT",
            "1",
            "-s",
            "{ip}",
            "-j",
            "DROP",
            "--wait",
            "5",
        ]))),
        Step::command(
            "docker",
            "remove the rule about {ip} for the published ports of containers",
            Invocation::new(&["iptables", "-D", "DOCKER-USER", "-s", "{ip}", "-j", "DROP", "--wait", "5"]),
            Risk::Safe,
        )
        .only_if(All(&[HAS_DOCKER, IN_DOCKER]))
        .proof(Not(&IN_DOCKER))
        .undo(Undo::Command(Invocation::new(&[
            "iptables",
            "-I",
            "DOCKER-USER",
            "1",
            "-s",
            "{ip}",
            "-j",
            "DROP",
            "--wait",
            "5",
        ]))),
    ],
)
.aliases(&["unban"])
.summary("remove the block of an address")
.section("firewall of any Linux host")
.when("an address was blocked by mistake, or the attack is over")
.parameters(ADDRESS)
.done(&[
    Not(&All(&[HAS_DOCKER, IN_DOCKER])),
    Not(&All(&[UFW, IN_UFW])),
    Not(&All(&[Installed("iptables"), V4, IN_IPTABLES])),
    Not(&All(&[Installed("ip6tables"), V6, IN_IP6TABLES])),
])
.note("fail2ban keeps bans of its own: fail2ban-client unban ADDRESS");

const ENOUGH: Assertion = Assertion::Free("{on}", "free");

/// Frees space on a full disk, and no more than is needed.
pub static MAKE_ROOM: Procedure = Procedure::new("make-room", &[Step::reclaim("reclaim", "free").proof(ENOUGH)])
    .aliases(&["free-space", "reclaim"])
    .summary("free space on a full disk, the safest first")
    .section("the reclaim plan of diagnose disk-full")
    .when("a disk is full, or soon will be")
    .not_when("the space is taken by data: add a disk, or move the data")
    .parameters(&[
        Parameter::new("free", ParameterKind::Size).help("space that must be free afterwards").default("2G"),
        Parameter::new("on", ParameterKind::Path).help("any path on the full file system").default("/"),
    ])
    .done(&[ENOUGH])
    .note("volumes, databases, backups and logs of services are never removed");

/// Who is logged in, who logged in lately, and who was refused.
pub static AUDIT_LOGINS: Procedure = Procedure::new(
    "audit-logins",
    &[
        Step::show(
            "sessions",
            "list sessions that are open now",
            Invocation::new(&["loginctl", "list-sessions", "--no-legend"]),
        ),
        Step::show(
            "connections",
            "list connections to port 22",
            Invocation::new(&["ss", "-Htn", "state", "established", "sport = :22"]),
        ),
        Step::show(
            "accepted",
            "list logins over SSH of the last week",
            Invocation::new(&[
                "journalctl",
                "--no-pager",
                "-o",
                "short-iso",
                "-t",
                "sshd",
                "-t",
                "sshd-session",
                "--since",
                "-7d",
                "-n",
                "40",
                "-q",
                "-g",
                "^Accepted ",
            ])
            .no(1),
        ),
        Step::show(
            "refused",
            "list refused logins over SSH of the last day",
            Invocation::new(&[
                "journalctl",
                "--no-pager",
                "-o",
                "short-iso",
                "-t",
                "sshd",
                "-t",
                "sshd-session",
                "--since",
                "-1d",
                "-n",
                "40",
                "-q",
                "-g",
                "^(Failed|Invalid user) ",
            ])
            .no(1),
        ),
        Step::show(
            "sudo",
            "list commands as root through sudo of the last week",
            Invocation::new(&[
                "journalctl",
                "--no-pager",
                "-o",
                "short-iso",
                "-t",
                "sudo",
                "--since",
                "-7d",
                "-n",
                "40",
                "-q",
                "-g",
                "COMMAND=",
            ])
            .no(1),
        ),
        Step::show("superusers", "list accounts with the rights of root", Invocation::new(&["getent", "passwd", "0"])),
        Step::show(
            "group",
            "list members of the group sudo",
            Invocation::new(&["getent", "group", "sudo", "wheel"]).no(2),
        ),
    ],
)
.aliases(&["logins", "who"])
.summary("list who is and was logged in")
.section("access to any Linux host")
.when("somebody may be on the host who should not be");

/// Reboots the host, after what runs is recorded.
pub static REBOOT: Procedure = Procedure::new("reboot", &[Step::reboot("reboot")])
    .summary("record what runs, then reboot the host")
    .section("reboot of any Linux host")
    .when("a new kernel must run, or nothing else has helped")
    .not_when("one service fails: restart that")
    .note("opsctl verify --after-reboot reports what did not start again");
