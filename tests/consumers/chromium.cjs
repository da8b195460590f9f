// What the scenes in Chromium share.
"use strict";
const {readFileSync} = require("node:fs");
const {join} = require("node:path");

// Without the sandbox, which root cannot have, and without what asks for the network by itself.
exports.ARGS = [
  "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
  "--disable-component-update", "--disable-sync",
];

// The rules of axe-core that the page breaks, each element by itself, and how many it keeps.
exports.axe = async (page, modules) => {
  await page.evaluate(readFileSync(join(modules, "axe-core", "axe.min.js"), "utf8"));
  const {violations, passes} = await page.evaluate(() => globalThis.axe.run(document));
  const broken = violations.flatMap(({id, impact, nodes}) => nodes.map(({html}) => ({id, impact, html})));
  return {broken, passed: passes.length};
};
