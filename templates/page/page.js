
"use strict";
(() => {
  // Rows of the data are lists of numbers; a number is mostly the place of a text in `texts`. outputs/page/data.py writes them.
  const data = JSON.parse(byId("data").textContent);
  const {texts, urls, shared, entries, consumers, overrides, waivers, findings, digest} = data;
  const [SERVICE, VERSION, URL_TO_USE, SOURCES, AUTH, REGISTERED, POINTS, SAID, OVERRIDES, WAIVERS] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9];
  const [NAME, KIND, CALLS] = [0, 1, 2];
  const POINT = 5;
  const AT_ONCE = 100;
  const UNPRINTABLE = /[\x00-\x1f\x7f-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\ufffe\uffff\ud800-\udfff\u{1bca0}-\u{1bca3}\u{1d173}-\u{1d17a}\u{e0000}-\u{e0fff}]/gu;

  const SHORT = {"\t": "\\t", "\n": "\\n", "\r": "\\r"};

  // --- elements: names, tags and all else become text nodes, never markup ---

  function byId(id) { return document.getElementById(id); }

  function element(name, properties, ...children) {
    const made = document.createElement(name);
    for (const [key, value] of Object.entries(properties || {})) made.setAttribute(key, value);
    made.append(...children);
    return made;
  }

  // What is invisible, or changes how other text is read, is shown as an escape, as messages of frostline show it.
  function shown(text) {
    return text.replace(UNPRINTABLE, (found) => {
      if (SHORT[found]) return SHORT[found];
      const code = found.codePointAt(0), digits = code.toString(16);
      if (code < 0x100) return "\\x" + digits.padStart(2, "0");
      return code < 0x10000 ? "\\u" + digits.padStart(4, "0") : "\\U" + digits.padStart(8, "0");
    });
  }

  const code = (text) => element("code", {dir: "auto"}, shown(text));
  const plain = (text, kind) => element("span", kind ? {class: kind, dir: "auto"} : {dir: "auto"}, shown(text));
  const count = (number, noun) => `${number.toLocaleString("en")} ${noun}${number === 1 ? "" : "s"}`;

  function joined(items) {
    return items.flatMap((item, index) => index ? [", ", item] : [item]);
  }

  // The first items, and a button that shows as many more; the focus goes to the first of these.
  function inPortions(items, into, after, make) {
    let from = 0;
    const button = element("button", {type: "button"}, "Show more");
    const add = () => {
      const rows = items.slice(from, from + AT_ONCE).map(make);
      into.append(...rows);
      from += rows.length;
      button.hidden = from >= items.length;
      button.textContent = `Show more (${(items.length - from).toLocaleString("en")} left)`;
      return rows[0];
    };
    button.addEventListener("click", () => {
      const first = add();
      const target = first.querySelector("a") || first;
      if (target === first) first.tabIndex = -1;
      target.focus();
    });
    add();
    after.append(button);
  }

  // --- the registry ---

  const serviceOf = (entry) => texts[entry[SERVICE]];
  const versionOf = (entry) => entry[VERSION] < 0 ? "" : texts[entry[VERSION]];
  const labelOf = (entry) => entry[VERSION] < 0 ? serviceOf(entry) : `${serviceOf(entry)}/${versionOf(entry)}`;
  const numberOfPoints = (entry) => entry[POINTS].length / POINT;
  const hashOf = (entry) => "#" + encodeURIComponent(serviceOf(entry)) + (entry[VERSION] < 0 ? "" : "/" + encodeURIComponent(versionOf(entry)));
  const hashOfConsumer = (place) => `#:consumer/${encodeURIComponent(texts[consumers[place][NAME]])}/${consumers[place][KIND]}`;

  function pointAt(entry, place) {
    const [address, port, url, group, node] = entry[POINTS].slice(place * POINT, place * POINT + POINT);
    const [datacenter, namespace, source, weight, tags, meta, nodeAddress, file] = shared[group];
    const host = texts[address], [before, after] = urls[url];
    const authority = host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
    return {
      url: after < 0 ? texts[before] : texts[before] + authority + texts[after],
      datacenter: texts[datacenter], namespace: texts[namespace], source: texts[source], weight, node: texts[node],
      nodeAddress: texts[nodeAddress], file: texts[file], tags: tags.map((tag) => texts[tag]), meta: pairs(meta),
    };
  }

  function pairs(flat) {
    const found = [];
    for (let place = 0; place < flat.length; place += 2) found.push(`${texts[flat[place]]}=${texts[flat[place + 1]]}`);
    return found;
  }

  const calledBy = entries.map(() => []);
  consumers.forEach((consumer, place) => consumer[CALLS].forEach(([target]) => {
    if (target >= 0 && calledBy[target].at(-1) !== place) calledBy[target].push(place);
  }));
  const findingsOf = entries.map(() => []), entriesOf = new Map(entries.map((entry) => [entry[SERVICE], []]));
  entries.forEach((entry, place) => entriesOf.get(entry[SERVICE]).push(place));
  for (const finding of findings) {
    // What is wrong with a whole service stands with each of its versions.
    const places = finding[0] >= 0 ? [finding[0]] : entriesOf.get(finding[1]) || [];
    for (const place of places) findingsOf[place].push(finding);
  }
  const byHash = new Map(entries.map((entry, place) => [hashOf(entry), place]));
  const consumersByHash = new Map(consumers.map((consumer, place) => [hashOfConsumer(place), place]));
  const consumersByService = new Map();
  consumers.forEach((consumer, place) => {
    if (consumer[KIND] === 0) return;
    const name = consumer[3];
    consumersByService.set(name, [...(consumersByService.get(name) || []), place]);
  });

  // --- search: in one text of each entry, in lower case ---

  const labels = entries.map((entry) => labelOf(entry).toLowerCase());
  const groupTexts = shared.map(([datacenter, namespace, source, , tags, meta, nodeAddress, file]) => {
    const words = [datacenter, namespace, source, nodeAddress, file, ...tags].map((text) => texts[text]);
    return words.concat(pairs(meta)).join("\n");
  });
  const haystacks = entries.map((entry, place) => {
    const points = entry[POINTS], parts = [labelOf(entry)], groups = new Set();
    for (let at = 0; at < points.length; at += POINT) {
      parts.push(`${texts[points[at]]}:${points[at + 1]}`, texts[points[at + 4]]);
      groups.add(points[at + 3]);
    }
    for (const group of groups) parts.push(groupTexts[group]);
    if (entry[URL_TO_USE] >= 0) parts.push(texts[entry[URL_TO_USE]]);
    if (entry[AUTH] >= 0) parts.push(texts[entry[AUTH]]);
    if (entry[SAID]) parts.push(...entry[SAID][0].map((tag) => texts[tag]), ...pairs(entry[SAID][1]));
    parts.push(...[...entry[SOURCES], ...entry[REGISTERED]].map((text) => texts[text]));
    parts.push(...findingsOf[place].map(([, , , rule]) => texts[rule]));
    parts.push(...calledBy[place].map((consumer) => texts[consumers[consumer][NAME]]));
    return parts.join("\n").toLowerCase();
  });

  // Places of the entries that have all words: those whose name is the query first, then begins with it, has it in it.
  function search(query) {
    const wanted = query.trim().toLowerCase(), words = wanted.split(/\s+/).filter(Boolean), ranks = [[], [], [], []];
    if (!words.length) return [...entries.keys()];
    for (let place = 0; place < entries.length; place++) {
      const haystack = haystacks[place], label = labels[place];
      if (!words.every((word) => haystack.includes(word))) continue;
      const isNamed = label === wanted || label.startsWith(wanted + "/");
      ranks[isNamed ? 0 : label.startsWith(wanted) ? 1 : label.includes(wanted) ? 2 : 3].push(place);
    }
    return ranks.flat();
  }

  // --- the list ---

  const query = byId("query"), list = byId("found"), more = byId("more");
  let found = [], listed = 0;

  function row(place) {
    const entry = entries[place], number = numberOfPoints(entry);
    const link = element("a", {href: hashOf(entry)}, plain(serviceOf(entry), "name"));
    if (entry[VERSION] >= 0) link.append(" ", plain(versionOf(entry)));
    if (entry[OVERRIDES].length) link.append(" ", element("span", {class: "warm"}, "override"));
    link.append(" ", element("span", {class: "note"}, number ? count(number, "endpoint") : "declared"));
    if (link.getAttribute("href") === location.hash) link.setAttribute("aria-current", "true");
    return element("li", null, link);
  }

  function listMore() {
    const rows = found.slice(listed, listed + AT_ONCE).map(row);
    list.append(...rows);
    listed += rows.length;
    more.hidden = listed >= found.length;
    return rows[0];
  }

  function listFound() {
    found = search(query.value);
    listed = 0;
    list.replaceChildren();
    listMore();
    byId("status").textContent = query.value.trim() ? `${count(found.length, "service version")} found` : count(found.length, "service version");
  }

  function move(step) {
    const links = [...list.querySelectorAll("a")], at = links.indexOf(document.activeElement) + step;
    if (at < 0) query.focus();
    else if (at < links.length) links[at].focus();
    else if (!more.hidden) listMore().querySelector("a").focus();
  }

  query.addEventListener("input", listFound);
  more.addEventListener("click", () => listMore().querySelector("a").focus());
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey || event.isComposing) return;
    const inList = event.target === query || list.contains(event.target);
    if (event.key === "Escape") {
      if (event.target === query && query.value) { query.value = ""; listFound(); }
      query.focus();
    } else if (event.key === "Enter" && event.target === query && found.length) location.hash = hashOf(entries[found[0]]);
    else if (inList && event.key === "ArrowDown") move(1);
    else if (inList && event.key === "ArrowUp" && event.target !== query) move(-1);
    else return;
    event.preventDefault();
  });

  // --- what is chosen ---

  const entryLink = (place) => element("a", {href: hashOf(entries[place]), dir: "auto"}, shown(labelOf(entries[place])));
  const consumerLink = (place) => element("a", {href: hashOfConsumer(place), dir: "auto"}, shown(texts[consumers[place][NAME]]));

  function facts(...rows) {
    const made = element("dl");
    for (const [term, values] of rows) if (values.length) made.append(element("dt", null, term), element("dd", null, ...values));
    return made;
  }

  function section(into, title, items, make) {
    if (!items.length) return;
    const made = element("ul"), part = element("section", {"aria-label": title}, element("h3", null, `${title} (${items.length.toLocaleString("en")})`), made);
    inPortions(items, made, part, (item) => element("li", null, ...make(item)));
    into.append(part);
  }

  const COLUMNS = [
    ["URL", (point) => [code(point.url)], () => true],
    ["Datacenter", (point) => [plain(point.datacenter)], (point) => point.datacenter],
    ["Namespace", (point) => [plain(point.namespace)], (point) => point.namespace],
    ["Node", (point) => [plain(point.nodeAddress ? `${point.node} (${point.nodeAddress})` : point.node)], (point) => point.node || point.nodeAddress],
    ["Weight", (point) => [String(point.weight)], (point) => point.weight !== 1],
    ["Tags", (point) => joined(point.tags.map(code)), (point) => point.tags.length],
    ["Meta", (point) => joined(point.meta.map(code)), (point) => point.meta.length],
    ["Source", (point) => [plain(point.file ? `${point.source}, ${point.file}` : point.source)], () => true],
  ];

  function endpoints(into, entry) {
    const points = Array.from({length: numberOfPoints(entry)}, (_, place) => pointAt(entry, place));
    if (!points.length) return;
    const title = `Endpoints (${points.length.toLocaleString("en")})`;
    const columns = COLUMNS.filter(([, , wanted]) => points.some(wanted));
    const body = element("tbody"), head = element("tr", null, ...columns.map(([name]) => element("th", {scope: "col"}, name)));
    const wide = element("div", {class: "wide", role: "region", "aria-label": "Endpoints", tabindex: "0"}, element("table", null, element("thead", null, head), body));
    const part = element("section", null, element("h3", null, title), wide);
    inPortions(points, body, part, (point) => element("tr", null, ...columns.map(([, make]) => element("td", null, ...make(point)))));
    into.append(part);
  }

  function overrideItem([service, until, why, ...changes]) {
    const words = ["drop", "add", "replace"].flatMap((word, place) => changes[place].map((text) => [element("br"), `${word} `, code(texts[text])])).flat();
    return [code(texts[service]), ` until ${texts[until]}: `, plain(texts[why]), ...words];
  }

  function waiverItem([rule, service, until, why]) {
    return [code(texts[rule]), " of ", code(texts[service]), ` until ${texts[until]}: `, plain(texts[why])];
  }

  // about: whether it says what it is about, where that is not the heading.
  function findingItem([entry, name, isError, rule, message, where, until, why], about) {
    const made = [element("span", {class: "warm"}, isError ? "error" : "warning"), " ", code(texts[rule]), " "];
    if (about && name >= 0) made.push(entry >= 0 ? entryLink(entry) : code(texts[name]), ": ");
    made.push(plain(texts[message]));
    if (texts[where]) made.push(" ", element("span", {class: "quiet"}, "(", plain(texts[where]), ")"));
    if (until >= 0) made.push(element("br"), `waived until ${texts[until]}: `, plain(texts[why]));
    return made;
  }

  function callItem([target, destination, elsewhere, bind]) {
    const made = [target >= 0 ? entryLink(target) : code(texts[destination])];
    if (target < 0) made.push(element("span", {class: "quiet"}, texts[elsewhere] ? " elsewhere" : " not on this page"));
    if (texts[elsewhere]) made.push(" (", plain(texts[elsewhere]), ")");
    if (texts[bind]) made.push(" at ", code(texts[bind]));
    return made;
  }

  const callsOf = (places) => places.flatMap((place) => consumers[place][CALLS]);

  // A picture of those that call or are called, directly or not; the lists beside it say the same of the nearest ones.
  let graph;
  function neighbours(into, title, rootsOf) {
    if (!consumers.length) return;
    graph ||= callGraph(data, namesOf,
      (place) => ({label: labelOf(entries[place]), href: hashOf(entries[place])}),
      (place) => ({label: texts[consumers[place][NAME]], href: hashOfConsumer(place)}));
    const made = pictureOf(graph, rootsOf(graph), `Neighbours of ${shown(title)}`, shown);
    if (!made) return;
    const frame = element("div", {class: "frame"}, made.picture);
    const hint = element("p", {class: "quiet"}, "Arrows lead from who calls to who is called. Arrow keys move from box to box, Enter opens one.");
    if (made.drawnNodes < made.numberOfNodes) hint.append(` The nearest ${made.drawnNodes} of ${made.numberOfNodes.toLocaleString("en")} are drawn.`);
    if (made.drawnEdges < made.numberOfEdges) hint.append(` ${(made.numberOfEdges - made.drawnEdges).toLocaleString("en")} calls between them are not drawn.`);
    into.append(element("section", null, element("h3", null, "Neighbours"), hint, frame));
    frame.scrollTo(made.focus.x - frame.clientWidth / 2, made.focus.y - frame.clientHeight / 2);
  }

  const namesOf = (entry) => [...new Set([entry[SERVICE], ...entry[REGISTERED]])];

  function showEntry(into, place) {
    const entry = entries[place], said = entry[SAID];
    const others = entries.map((_, other) => other).filter((other) => other !== place && entries[other][SERVICE] === entry[SERVICE]);
    into.append(facts(
      ["URL to use", entry[URL_TO_USE] < 0 ? ["none: the service is known, but has no endpoint"] : [code(texts[entry[URL_TO_USE]])]],
      ["Sources", joined(entry[SOURCES].map((text) => plain(texts[text])))],
      ["Registered as", joined(entry[REGISTERED].map((text) => code(texts[text])))],
      ["Authentication", entry[AUTH] < 0 ? [] : [plain(texts[entry[AUTH]])]],
      ["Tags", said ? joined(said[0].map((tag) => code(texts[tag]))) : []],
      ["Meta", said ? joined(pairs(said[1]).map(code)) : []],
      ["Port", said && said[2] ? [String(said[2])] : []],
      ["Other versions", joined(others.map(entryLink))],
    ));
    section(into, "Findings", findingsOf[place], (finding) => findingItem(finding, false));
    neighbours(into, labelOf(entry), () => [place]);
    section(into, "Called by", calledBy[place], (consumer) => [consumerLink(consumer)]);
    section(into, "Calls", callsOf(namesOf(entry).flatMap((name) => consumersByService.get(name) || [])), callItem);
    section(into, "Overrides", entry[OVERRIDES].map((at) => overrides[at]), overrideItem);
    section(into, "Waivers", entry[WAIVERS].map((at) => waivers[at]), waiverItem);
    endpoints(into, entry);
  }

  function showOverview(into) {
    into.append(facts(["Registry", [code(digest)]]));
    section(into, "Findings", findings, (finding) => findingItem(finding, true));
    section(into, "Consumers", consumers.map((_, place) => place), (place) => [consumerLink(place), " calls ", ...joined(consumers[place][CALLS].slice(0, 10).map(([target, destination]) => target >= 0 ? entryLink(target) : code(texts[destination]))), consumers[place][CALLS].length > 10 ? " …" : ""]);
    section(into, "Overrides", overrides, overrideItem);
    section(into, "Waivers", waivers, waiverItem);
    if (!consumers.length) into.append(element("p", {class: "quiet"}, "No consumer is declared."));
  }

  function show(isFirst) {
    const into = byId("detail"), hash = location.hash, place = byHash.get(hash), consumer = consumersByHash.get(hash);
    let title = "Overview";
    const heading = element("h2", {tabindex: "-1", dir: "auto"});
    into.replaceChildren(heading);
    if (place !== undefined) {
      title = shown(labelOf(entries[place]));
      showEntry(into, place);
    } else if (consumer !== undefined) {
      title = shown(texts[consumers[consumer][NAME]]);
      neighbours(into, texts[consumers[consumer][NAME]], ({rootsOf}) => rootsOf(consumer));
      section(into, "Calls", consumers[consumer][CALLS], callItem);
    } else if (hash.length > 1) {
      title = "Not here";
      into.append(element("p", null, "The registry has nothing of this name: ", code(hash.slice(1))));
    } else showOverview(into);
    heading.textContent = title;
    into.scrollTop = 0;
    for (const link of list.querySelectorAll("a")) {
      if (link.getAttribute("href") === hash) link.setAttribute("aria-current", "true");
      else link.removeAttribute("aria-current");
    }
    if (!isFirst) heading.focus();
  }

  const services = new Set(entries.map((entry) => entry[SERVICE])).size;
  const points = entries.reduce((sum, entry) => sum + numberOfPoints(entry), 0);
  byId("counts").textContent = [count(services, "service"), count(points, "endpoint"), count(consumers.length, "consumer")].join(", ");
  window.addEventListener("hashchange", () => show(false));
  listFound();
  show(true);
})();
