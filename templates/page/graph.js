"use strict";
// Who calls whom, for the picture. Its nodes are numbers: the entries, then the consumers, then what is called and is not on
// the page. A consumer that is a service of the registry has the entries of this service as its nodes.
// calls and callers: of each node. rootsOf: the nodes of a consumer. node: {label, href, kind}; no href, no page to open.
const callGraph = ({entries, consumers, texts}, namesOf, entryNode, consumerNode) => {
  const CALLS = 2, SERVICE = 3;
  const numberOfNodes = entries.length + consumers.length;
  const calls = Array.from({length: numberOfNodes}, () => new Set()), callers = calls.map(() => new Set());
  const elsewhere = new Map(), entriesByName = new Map();
  entries.forEach((entry, place) => {
    for (const name of namesOf(entry)) {
      if (!entriesByName.has(name)) entriesByName.set(name, []);
      entriesByName.get(name).push(place);
    }
  });

  function rootsOf(place) {
    return entriesByName.get(consumers[place][SERVICE]) || [entries.length + place];
  }

  function outside(destination, where) {
    const label = texts[where] ? `${texts[destination]} (${texts[where]})` : texts[destination];
    if (!elsewhere.has(label)) {
      elsewhere.set(label, calls.length);
      calls.push(new Set());
      callers.push(new Set());
    }
    return elsewhere.get(label);
  }

  consumers.forEach((consumer, place) => {
    for (const [target, destination, where] of consumer[CALLS]) {
      const to = target >= 0 ? target : outside(destination, where);
      for (const from of rootsOf(place)) {
        calls[from].add(to);
        callers[to].add(from);
      }
    }
  });
  const labels = [...elsewhere.keys()];

  function node(place) {
    if (place < entries.length) return {...entryNode(place), kind: "entry"};
    if (place < numberOfNodes) return {...consumerNode(place - entries.length), kind: "consumer"};
    return {label: labels[place - numberOfNodes], kind: "elsewhere"};
  }

  return {calls, callers, rootsOf, node};
};
