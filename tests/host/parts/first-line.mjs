// first-line.mjs PORT [tls]: print the first line that a server on this port says of its own accord.
// nc and openssl wait for the connection's end, which a mail server does not hurry to give.
import net from "node:net";
import tls from "node:tls";

const [port, how] = process.argv.slice(2);
const socket = how === "tls" ? tls.connect({ port, host: "127.0.0.1", rejectUnauthorized: false }) : net.connect(port, "127.0.0.1");
socket.setTimeout(3000, () => process.exit(1));
socket.on("error", (error) => {
  console.log(error.code ?? error.message);
  process.exit(1);
});
socket.once("data", (chunk) => {
  console.log(String(chunk).split("\r\n")[0]);
  process.exit(0);
});
