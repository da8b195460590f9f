// Opens a page of frostline in Chromium, and prints as JSON what happened. Arguments: the folder node_modules, the
// program of Chromium, the page, what to do (a name in SCENES), and for that a JSON value.
"use strict";
const {join} = require("node:path");
const {pathToFileURL} = require("node:url");

const [modules, executablePath, file, scene, value] = process.argv.slice(2);
const {chromium} = require(join(modules, "playwright-core"));
const {ARGS, axe} = require("./chromium.cjs");

const texts = (page, selector) => page.$$eval(selector, (found) => found.map((one) => one.textContent));
const focused = (page) => page.evaluate(() => document.activeElement.id || document.activeElement.textContent);

// Milliseconds of CPU that the page's thread has taken, which other work on the machine hardly changes.
async function clockOf(page) {
  const session = await page.context().newCDPSession(page);
  await session.send("Performance.enable", {timeDomain: "threadTicks"});
  return async () => {
    const {metrics} = await session.send("Performance.getMetrics");
    return 1000 * metrics.find(({name}) => name === "ThreadTime").value;
  };
}

const SCENES = {
  // Each entry and each consumer, opened by its link: the headings of what is shown.
  async everything(page) {
    const headings = [], found = [], pictured = new Set();
    while (await page.isVisible("#more")) await page.click("#more");
    const links = await page.$$eval("#found a", (found) => found.map((one) => one.getAttribute("href")));
    const called = await page.$$eval("main a", (found) => found.map((one) => one.getAttribute("href")));
    for (const link of [...links, ...called]) {
      await page.evaluate((hash) => { location.hash = hash; }, link);
      await page.waitForFunction((hash) => location.hash === hash && document.activeElement.tagName === "H2", link);
      headings.push((await texts(page, "main h2"))[0]);
      if (await page.isVisible("section[aria-label='Findings'] li")) found.push(headings.at(-1));
      (await texts(page, ".picture title")).forEach((name) => pictured.add(name));
      await page.evaluate(() => document.activeElement.blur());
    }
    return {headings, listed: links.length, pictured: [...pictured], found};
  },
  // What each query of the list finds.
  async search(page, queries) {
    const found = {};
    for (const query of queries) {
      await page.fill("#query", query);
      found[query] = {names: await texts(page, "#found li a"), status: await page.textContent("#status")};
    }
    return found;
  },
  // The picture at each of these hashes: its boxes, its arrows as pairs of names, what is said of it, the milliseconds of
  // CPU that it takes to open. An arrow's boxes are those that are nearest to its ends.
  async pictures(page, hashes, cpu) {
    const found = {};
    for (const wanted of hashes) {
      const before = await cpu();
      await page.evaluate(async (hash) => {
        location.hash = hash;
        await new Promise((resolve) => addEventListener("hashchange", resolve, {once: true}));
        document.body.getBoundingClientRect();
      }, wanted);
      const milliseconds = await cpu() - before;
      found[wanted] = await page.evaluate(() => {
        const all = (selector) => [...document.querySelectorAll(selector)];
        const boxes = all(".picture .node").map((box) => {
          const name = box.querySelector("title").textContent, {x, y, width, height} = box.querySelector("svg");
          const [left, top, wide, high] = [x, y, width, height].map((length) => length.baseVal.value);
          const off = (point) => Math.max(left - point.x, point.x - left - wide, top - point.y, point.y - top - high);
          return {name, kind: box.getAttribute("class"), href: box.getAttribute("href"), off};
        });
        const nearest = (point) => boxes.reduce((best, box) => box.off(point) < best.off(point) ? box : best).name;
        const arrows = all(".picture .edge").map((path) => [path.getPointAtLength(0), path.getPointAtLength(path.getTotalLength())].map(nearest));
        const hint = all("main section:has(.picture) p").map((one) => one.textContent).join("");
        return {boxes: boxes.map(({off, ...box}) => box), arrows, hint};
      });
      found[wanted].milliseconds = milliseconds;
      await page.evaluate(() => { history.replaceState(null, "", location.pathname); });
    }
    return found;
  },
  // The milliseconds of CPU that each key of a word takes, typed at once after the page has opened, and then again.
  async typing(page, word, cpu) {
    const taken = [];
    for (const start of [0, word.length]) for (let end = 1; end <= word.length; end++) {
      const before = await cpu();
      await page.evaluate((text) => {
        const box = document.getElementById("query");
        box.value = text;
        box.dispatchEvent(new Event("input"));
        document.body.getBoundingClientRect();
      }, word.slice(0, end));
      taken[start + end - 1] = await cpu() - before;
    }
    return taken;
  },
  // The lists at each of these hashes, by their labels: the text of each item.
  async lists(page, hashes) {
    const found = {};
    for (const hash of hashes) {
      await page.goto(`${pathToFileURL(file)}${hash}`);
      await page.reload();
      found[hash] = await page.$$eval("main section[aria-label]", (sections) => Object.fromEntries(sections.map((section) => [
        section.getAttribute("aria-label"), [...section.querySelectorAll("li")].map((item) => item.textContent),
      ])));
    }
    return found;
  },
  // The keys, one after the other: what has the focus after each, and the heading at the end.
  async keys(page, keys) {
    const at = [];
    for (const key of keys) {
      await page.keyboard.press(key);
      await page.waitForTimeout(50);
      at.push(await focused(page));
    }
    return {at, heading: (await texts(page, "main h2"))[0]};
  },
  // What happens in the picture at a hash: what has the focus before each key and how many arrows are marked, the heading
  // at the end; then a click on a box.
  async picture_keys(page, [hash, keys, name]) {
    await page.evaluate((wanted) => { location.hash = wanted; }, hash);
    await page.waitForSelector(".picture");
    const at = [], lit = [];
    await page.focus(".picture [tabindex='0']");
    for (const key of keys) {
      at.push(await page.evaluate(() => document.activeElement.getAttribute("aria-label")));
      lit.push(await page.$$eval(".picture .lit", (found) => found.length));
      await page.keyboard.press(key);
      await page.waitForTimeout(50);
    }
    const heading = (await texts(page, "main h2"))[0];
    await page.click(`.picture a[aria-label="${name}"]`);
    await page.waitForTimeout(50);
    return {at, lit, heading, clicked: (await texts(page, "main h2"))[0]};
  },
  // The rules of axe-core that are broken, light, dark and narrow, at each of these hashes.
  async axe(page, hashes) {
    const broken = [];
    let passed = 0;
    for (const colorScheme of ["light", "dark"]) for (const width of [1200, 400]) for (const hash of hashes) {
      await page.emulateMedia({colorScheme});
      await page.setViewportSize({width, height: 800});
      await page.goto(`${pathToFileURL(file)}${hash}`);
      await page.reload();
      const found = await axe(page, modules);
      passed += found.passed;
      broken.push(...found.broken.map((fault) => `${colorScheme} ${width} ${hash} ${fault.id}: ${fault.html}`));
    }
    return {broken, passed};
  },
  // What a printer shows: whether the search, the list and the detail are visible.
  async print(page) {
    await page.emulateMedia({media: "print"});
    return Promise.all(["#query", "#found", "main"].map((selector) => page.isVisible(selector)));
  },
  // A picture of the window in light and dark.
  async picture(page, [hash, prefix]) {
    for (const colorScheme of ["light", "dark"]) {
      await page.emulateMedia({colorScheme});
      await page.goto(`${pathToFileURL(file)}${hash}`);
      await page.reload();
      await page.screenshot({path: `${prefix}-${colorScheme}.png`});
    }
    return null;
  },
};

(async () => {
  const browser = await chromium.launch({executablePath, args: ARGS});
  const page = await browser.newPage({viewport: {width: 1100, height: 640}});
  const happened = {requests: [], errors: [], dialogs: [], console: []};
  page.on("request", (request) => happened.requests.push(request.url()));
  page.on("pageerror", (error) => happened.errors.push(error.message));
  page.on("console", (message) => happened.console.push(message.text()));
  page.on("dialog", (dialog) => { happened.dialogs.push(dialog.message()); dialog.dismiss(); });
  await page.addInitScript(() => {
    globalThis.violations = [];
    document.addEventListener("securitypolicyviolation", (event) => globalThis.violations.push(event.violatedDirective));
  });
  const cpu = await clockOf(page);
  await page.goto(String(pathToFileURL(file)));
  await page.waitForSelector("#status:not(:empty)", {state: "attached"});
  const opened = await cpu();
  const result = await SCENES[scene](page, value ? JSON.parse(value) : null, cpu);
  const violations = await page.evaluate(() => globalThis.violations);
  process.stdout.write(JSON.stringify({...happened, opened, violations, ran: await page.evaluate(() => globalThis.ran || null), result}));
  await browser.close();
})().catch((error) => { process.stderr.write(`${error.stack}\n`); process.exit(1); });
