require("../../packages/clients/page.js")("Plugspace Admin");
