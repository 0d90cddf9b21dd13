require("../../packages/clients/page.js")("Plugspace Studio");
