// Opens the documentation site in Chromium, and prints as JSON what happened. Arguments: the folder node_modules, the
// program of Chromium, the address of the site, what to do (a name in SCENES), and for that a JSON value.
"use strict";
const {join} = require("node:path");

const [modules, executablePath, site, scene, value] = process.argv.slice(2);
const {chromium} = require(join(modules, "playwright-core"));
const {ARGS, axe} = require("./chromium.cjs");
const OFFLINE = "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1";
const MARKS = /```|\*\*|\]\(|\|---|`[^`]+`|\\\||^(- |\* |\d+\. |#+ )/;

// What a page leads to, the names that links can lead to in it, and what of it is still Markdown.
const read = (marks) => {
  const text = document.querySelector("article").cloneNode(true);
  for (const block of text.querySelectorAll("pre, h1, h2, h3")) block.remove();
  for (const code of text.querySelectorAll("code")) if (!code.textContent.includes("\\|")) code.remove();
  return {
    title: document.querySelector("h1").textContent,
    links: [...document.links].map((link) => link.href),
    names: [...document.querySelectorAll("[id]")].map((named) => named.id),
    markdown: text.textContent.split("\n").filter((line) => new RegExp(marks).test(line)),
  };
};

const SCENES = {
  // Every page that a link leads to, from the start page on; and the links that lead nowhere.
  async pages(page) {
    const found = {};
    const files = new Set();
    const links = new Set();
    const waiting = [site];
    for (const address of waiting) {
      await page.goto(address);
      found[address] = await page.evaluate(read, MARKS.source);
      for (const link of found[address].links.filter((one) => one.startsWith(site))) {
        links.add(link);
        const [target] = link.split("#");
        if (!target.endsWith("/")) files.add(target);
        else if (!waiting.includes(target)) waiting.push(target);
      }
    }
    const broken = [];
    for (const file of files) if (!(await page.request.head(file)).ok()) broken.push(file);
    for (const link of links) {
      const [target, name] = link.split("#");
      if (name && !found[target].names.includes(decodeURIComponent(name))) broken.push(link);
    }
    const shown = Object.entries(found).map(([address, {title, markdown}]) => [address.slice(site.length), {title, markdown}]);
    return {pages: Object.fromEntries(shown), broken};
  },
  // What search lists for each query, first to last, and the page that the first leads to.
  async search(page, queries) {
    const found = {};
    for (const query of queries) {
      await page.goto(site);
      await page.click(".md-search__button");
      await page.getByPlaceholder("Search").fill(query);
      await page.getByText(/^(No|\d+) results?$/).waitFor();
      const count = await page.getByText(/^(No|\d+) results?$/).textContent();
      if (!/^[1-9]/.test(count)) { found[query] = {count}; continue; }
      await page.keyboard.press("Enter");
      await page.waitForURL((url) => url.pathname !== "/");
      found[query] = {count, at: new URL(page.url()).pathname, text: await page.textContent("article")};
    }
    return found;
  },
  // What axe-core calls serious or worse, light and dark, on each of these pages.
  async axe(page, paths) {
    const broken = [];
    let passed = 0;
    for (const colorScheme of ["light", "dark"]) for (const path of paths) {
      await page.emulateMedia({colorScheme});
      await page.goto(`${site}${path}`);
      const found = await axe(page, modules);
      passed += found.passed;
      const worst = found.broken.filter((fault) => ["serious", "critical"].includes(fault.impact));
      broken.push(...worst.map((fault) => `${colorScheme} ${path} ${fault.id}: ${fault.html}`));
    }
    return {broken, passed};
  },
  // The colours of the page for who prefers light and for who prefers dark.
  async colours(page) {
    const colours = [];
    for (const colorScheme of ["light", "dark"]) {
      await page.emulateMedia({colorScheme});
      await page.goto(site);
      colours.push(await page.evaluate(() => getComputedStyle(document.body).backgroundColor));
    }
    return colours;
  },
};

(async () => {
  const browser = await chromium.launch({executablePath, args: [...ARGS, OFFLINE]});
  // The script is the same on all pages: it runs in the other scenes, and would take half of the time of this one.
  const page = await browser.newPage({javaScriptEnabled: scene !== "pages"});
  const happened = {elsewhere: [], failed: [], errors: [], console: []};
  page.on("request", (request) => { if (!request.url().startsWith(site)) happened.elsewhere.push(request.url()); });
  page.on("requestfailed", (request) => { // the next page ends what this one still loads
    if (request.failure().errorText !== "net::ERR_ABORTED") happened.failed.push(request.url());
  });
  page.on("response", (response) => { if (response.status() >= 400) happened.failed.push(response.url()); });
  page.on("pageerror", (error) => happened.errors.push(error.message));
  page.on("console", (message) => { if (["error", "warning"].includes(message.type())) happened.console.push(message.text()); });
  const result = await SCENES[scene](page, value ? JSON.parse(value) : null);
  process.stdout.write(JSON.stringify({...happened, result}));
  await browser.close();
})().catch((error) => { process.stderr.write(`${error.stack}\n`); process.exit(1); });
