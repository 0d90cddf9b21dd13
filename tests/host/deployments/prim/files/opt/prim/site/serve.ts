// The marketing site: one page of HTML.
Bun.serve({
  port: Number(process.env.PORT ?? 3000),
  fetch(request) {
    if (new URL(request.url).pathname !== "/") return new Response("Not found", { status: 404 });
    return new Response("<!doctype html>\n<title>prim.sh</title>\n<h1>prim.sh</h1>\n", { headers: { "content-type": "text/html; charset=utf-8" } });
  },
});
