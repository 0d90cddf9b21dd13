#!/usr/bin/python3
"""A hostile host. `hostile.py lay` makes it, `hostile.py ROLE` is one of its servers, `hostile.py measure CMD` runs a command alone.

Each connection that a server accepts is a line in /run/hostile/ROLE: its port and what it was asked first."""
import ctypes, json, os, pwd, resource, select, shutil, socket, subprocess, sys, threading, time

HERE = os.path.abspath(__file__)
LOG = "/run/hostile"
UNITS = "/etc/systemd/system"
CROWD = range(20000, 25000)


def note(role, port, asked=b""):
    with open(f"{LOG}/{role}", "a") as log:
        log.write(f"{port} {asked.split(chr(10).encode())[0].decode(errors='replace').strip()}\n")


def listener(port, host="0.0.0.0", backlog=64, shared=False):
    one = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if shared:
        one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    if ":" in host:
        one.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    one.bind((host, port))
    one.listen(backlog)
    return one


def answer(role, connection):
    connection.settimeout(2)
    port = connection.getsockname()[1]
    try:
        asked = connection.recv(4096)
        note(role, port, asked)
        connection.sendall(b"HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno")
    except OSError:
        note(role, port)
    connection.close()


def serve(role, listeners):
    waiting = select.epoll()
    by_number = {one.fileno(): one for one in listeners}
    for number in by_number:
        waiting.register(number, select.EPOLLIN)
    while True:
        for number, _ in waiting.poll():
            answer(role, by_number[number].accept()[0])


def workers(count, work):
    for _ in range(count):
        if os.fork() == 0:
            work()
    while True:
        time.sleep(60)


def stream(port, begin):
    """Sends for ever to each that comes."""
    def send(connection):
        try:
            connection.sendall(begin)
            while True:
                connection.sendall(b"x" * 65536)
        except OSError:
            pass
    one = listener(port)
    while True:
        connection = one.accept()[0]
        note("stream", port)
        threading.Thread(target=send, args=(connection,), daemon=True).start()


def silent(port):
    one = listener(port)
    kept = []
    while True:
        kept.append(one.accept()[0])
        note("silent", port)


def deaf(port):
    """Accepts nobody, and who waits fills its backlog."""
    kept = [listener(port, backlog=0)]
    for _ in range(8):
        client = socket.socket()
        client.setblocking(False)
        client.connect_ex(("127.0.0.1", port))
        kept.append(client)
    time.sleep(1e6)


def forking(port):
    """A daemon of the old kind: what was started ends, a child of its child serves with three more."""
    one = listener(port)
    if os.fork():
        time.sleep(0.3)
        os._exit(0)
    os.setsid()
    with open("/run/hostile-forking.pid", "w") as file:
        file.write(str(os.getpid()))
    workers(3, lambda: serve("forking", [one]))


def login(port):
    """A server of remote logins by its name, which counts each connection without a login."""
    ctypes.CDLL(None).prctl(15, b"sshd", 0, 0, 0)
    serve("login", [listener(port)])


def engine():
    """The one answer of a container engine that a discovery asks for: 300 containers, and 3 that no tool would name so."""
    path = "/run/docker.sock"
    row = lambda number, name: {
        "Id": f"{number:064x}", "Names": ["/" + name], "Image": "shop:1", "State": "running", "Status": "Up 2 hours",
        "Labels": {"note": "a\nb\"c"}, 
        "Ports": [{"IP": "0.0.0.0", "PrivatePort": 80, "PublicPort": 30000 + number, "Type": "tcp"}] * (number < 20)}
    odd = ["new\nline", "quo\"te", "--rm"]
    rows = [row(number, name) for number, name in enumerate([f"box-{number:03}" for number in range(300)] + odd)]
    body = json.dumps(rows).encode()
    one = socket.socket(socket.AF_UNIX)
    one.bind(path)
    one.listen(64)
    while True:
        connection = one.accept()[0]
        asked = connection.recv(4096)
        note("engine", 0, asked)
        is_list = b"/containers/json" in asked
        connection.sendall(b"HTTP/1.1 %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s"
                           % ((b"200 OK", len(body), body) if is_list else (b"404 Not Found", 2, b"{}")))
        connection.close()


ROLES = {
    "crowd": lambda: serve("crowd", [listener(port) for port in CROWD]),
    "group": lambda: workers(4, lambda: serve("group", [listener(7100, shared=True)])),
    "four": lambda: serve("four", [listener(7200)]),
    "six": lambda: serve("six", [listener(7200, "::")]),
    "forking": lambda: forking(7300),
    "silent": lambda: silent(7400),
    "stream-head": lambda: stream(7500, b"HTTP/1.1 200 OK\r\nX-Long: "),
    "stream-body": lambda: stream(7501, b"HTTP/1.1 200 OK\r\n\r\n"),
    "deaf": lambda: deaf(7600),
    "login": lambda: login(7700),
    "engine": engine,
}


def write(path, text):
    with open(path, "w") as file:
        file.write(text)


def unit(name, text, wants=True):
    write(f"{UNITS}/{name}", text)
    if wants:
        os.symlink(f"{UNITS}/{name}", f"{UNITS}/multi-user.target.wants/{name}")


def lay():
    os.makedirs(LOG, exist_ok=True)
    os.chmod(LOG, 0o1777)
    subprocess.run(["useradd", "--create-home", "shop"], check=True)
    for number in range(2000):
        unit(f"load-{number:04}.service",
             f"[Unit]\nDescription=\"load\" {number} \x1b[2J \\\n  of many\nAfter=load-{number // 2:04}.service\n"
             # Twenty of them run.
             + f"Requires=load-{20 + (number + 1) % 1980:04}.service\n" * (number >= 20) + f"[Service]\nUser=shop\nExecStart=/bin/sleep infinity\n"
             f"EnvironmentFile=-/etc/load/{number % 50}.env\n[Install]\nWantedBy=multi-user.target\n")
    os.makedirs("/etc/load")
    for number in range(50):
        write(f"/etc/load/{number}.env", f"QUEUE_URL=redis://localhost:7{number:03}\nNAME=\"a b\"\n")
    os.makedirs(f"{UNITS}/load-0000.service.d")
    write(f"{UNITS}/load-0000.service.d/a \"b\".conf", "[Service]\nEnvironment=X=localhost:7100\n")
    for name in ["srv-my\\x2dshop", "quo\\x22te", "web@a\\x0ab"]:
        base = "web@" if name.startswith("web@") else name
        write(f"{UNITS}/{base}.service", "[Unit]\nDescription=odd \"%i\"\n[Service]\nExecStart=/bin/sleep infinity\n"
              "[Install]\nWantedBy=multi-user.target\n")
        os.symlink(f"{UNITS}/{base}.service", f"{UNITS}/multi-user.target.wants/{name}.service")
    # No unit is called so, and systemd reads none of them.
    for name in ["new\nline", "quo\"te", "-rf", "\u202egnp"]:
        unit(f"{name}.service", "[Service]\nExecStart=/bin/sleep infinity\n[Install]\nWantedBy=multi-user.target\n")
    for role in ROLES:
        more = {"crowd": "User=shop\nLimitNOFILE=20000\n", "forking": "Type=forking\nPIDFile=/run/hostile-forking.pid\n"}
        unit(f"{role}.service", f"[Unit]\nDescription={role}\n[Service]\nExecStart=/usr/bin/python3 {HERE} {role}\n"
             f"{more.get(role, '')}[Install]\nWantedBy=multi-user.target\n")
    # A daemon of pm2 with one application, whose list names 50 more.
    subprocess.run(["pm2", "start", "/bin/sleep", "--name", "api", "--", "infinity"], check=True, user="shop", group="shop",
                   cwd="/home/shop", env={"HOME": "/home/shop", "PATH": "/usr/local/bin:/usr/bin:/bin"}, stdout=subprocess.DEVNULL)
    nasty = ["a\nb", "q\"uote", "--all", "all", "7", "x" * 300, "\u2028", "\x1b[2J"]
    write("/home/shop/.pm2/dump.pm2", json.dumps([{"name": name} for name in nasty + [f"job-{n:02}" for n in range(42)]]))
    subprocess.run(["systemctl", "daemon-reload"], check=True)
    running = [f"load-{number:04}.service" for number in range(20)] + ["srv-my\\x2dshop.service", "web@a\\x0ab.service"]
    subprocess.run(["systemctl", "start", *running, *[f"{role}.service" for role in ROLES]], check=True)
    wanted = {"20000", "24999", "7100", "7200", "7300", "7400", "7500", "7501", "7600", "7700"}
    for _ in range(300):
        there = subprocess.run(["ss", "-Hltn"], capture_output=True, text=True).stdout
        if os.path.exists("/run/docker.sock") and wanted <= {line.split()[3].rsplit(":", 1)[1] for line in there.splitlines()}:
            return
        time.sleep(0.1)
    sys.exit("not all listen")


def processes():
    """The name of each process."""
    found = {}
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/comm") as name:
                found[pid] = name.read().strip()
        except OSError:
            pass
    return found


def measure(words):
    """Runs a command and prints its exit code, own peak memory in KiB, seconds, and processes that it left; its output goes
    to /run/hostile-out."""
    before, begun, peak = processes(), time.monotonic(), 0
    with open("/run/hostile-out", "w") as out:
        child = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT)
    # Not the resources of children, to which those count that it starts itself.
    while child.poll() is None and time.monotonic() - begun < 120:
        with open(f"/proc/{child.pid}/status") as status:
            peak = max([peak] + [int(line.split()[1]) for line in status if line.startswith("VmHWM:")])
        time.sleep(0.002)
    child.kill()
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    print(json.dumps({"code": child.wait(), "kib": peak, "program_kib": os.path.getsize(shutil.which(words[0])) >> 10, "seconds": round(time.monotonic() - begun, 2),
                      "processor": round(used.ru_utime + used.ru_stime, 2),
                      "left": [name for pid, name in processes().items() if pid not in before]}))


role = sys.argv[1]
if role == "lay":
    lay()
elif role == "measure":
    measure(sys.argv[2:])
else:
    ROLES[role]()
