"use strict";
// The picture of a neighbourhood: those who call a service, those whom it calls, those who call these, and so on.
// dagre lays it out. Nothing here is markup: elements are made one by one, and names become text nodes.
const pictureOf = (() => {
  const MOST_NODES = 150, MOST_EDGES = 300, MOST_SEGMENTS = 1000;
  const HEIGHT = 26, PADDING = 10, WIDEST = 260, MARGIN = 6, FONT_SIZE = 13;
  const SVG = "http://www.w3.org/2000/svg";

  function shape(name, properties, ...children) {
    const made = document.createElementNS(SVG, name);
    for (const [key, value] of Object.entries(properties)) made.setAttribute(key, value);
    made.append(...children);
    return made;
  }

  // The nodes that lead to a root or are reached from one -> how far they are and the edge that leads there.
  // The nearest first; of those that are equally near, callers and called ones take turns.
  function neighbourhood(graph, roots) {
    const found = new Map(roots.map((root) => [root, {distance: 0}]));
    const sides = [
      {next: (node) => graph.callers[node], edge: (from, to) => [to, from], front: roots, seen: new Set(roots)},
      {next: (node) => graph.calls[node], edge: (from, to) => [from, to], front: roots, seen: new Set(roots)},
    ];
    for (let distance = 1; sides.some((side) => side.front.length); distance++) {
      const levels = sides.map((side) => step(side));
      for (let at = 0; at < Math.max(...levels.map((level) => level.length)); at++) {
        for (const level of levels) {
          if (at < level.length && !found.has(level[at].node)) found.set(level[at].node, {distance, edge: level[at].edge});
        }
      }
    }
    return found;
  }

  function step(side) {
    const level = [];
    for (const from of side.front) for (const node of side.next(from)) {
      if (side.seen.has(node)) continue;
      side.seen.add(node);
      level.push({node, edge: side.edge(from, node)});
    }
    side.front = level.map(({node}) => node);
    return level;
  }

  // The edges between these nodes: first those that lead to them from the roots, then the nearest ones.
  function edgesBetween(graph, found) {
    const tree = [...found.values()].flatMap(({edge}) => edge ? [edge] : []);
    const known = new Set(tree.map(String)), more = [];
    for (const from of found.keys()) for (const to of graph.calls[from]) {
      if (from !== to && found.has(to) && !known.has(String([from, to]))) more.push([from, to]);
    }
    const far = ([from, to]) => found.get(from).distance + found.get(to).distance;
    return {tree, more: more.sort((one, other) => far(one) - far(other))};
  }

  // How many pieces of edges a layout has at most: an edge has one for each layer that it crosses. Its time grows with them.
  function numberOfSegments(nodes, edges) {
    const next = new Map(nodes.map((node) => [node, []])), layers = new Map(), open = new Set();
    for (const [from, to] of edges) next.get(from).push(to);
    const layerOf = (node) => {
      open.add(node);
      let layer = 0;
      for (const to of next.get(node)) {
        if (!open.has(to)) layer = Math.max(layer, 1 + (layers.has(to) ? layers.get(to) : layerOf(to)));
      }
      open.delete(node);
      layers.set(node, layer);
      return layer;
    };
    for (const node of nodes) if (!layers.has(node)) layerOf(node);
    return edges.reduce((sum, [from, to]) => sum + Math.abs(layers.get(from) - layers.get(to)), 0);
  }

  // What is drawn of a neighbourhood: so much that a click stays quick.
  function excerpt(graph, roots) {
    const all = neighbourhood(graph, roots), found = new Map([...all].slice(0, MOST_NODES)), nodes = [...found.keys()];
    const {tree, more} = edgesBetween(graph, found);
    let edges = tree.concat(more).slice(0, Math.max(MOST_EDGES, tree.length));
    while (edges.length > tree.length && numberOfSegments(nodes, edges) > MOST_SEGMENTS) {
      edges = edges.slice(0, Math.max(tree.length, Math.floor(edges.length * 0.8)));
    }
    return {nodes, edges, numberOfNodes: all.size, numberOfEdges: tree.length + more.length};
  }

  function layout(nodes, edges, widths) {
    const drawn = new dagre.graphlib.Graph();
    drawn.setGraph({rankdir: "LR", nodesep: 10, edgesep: 6, ranksep: 56, marginx: MARGIN, marginy: MARGIN, ranker: "tight-tree"});
    drawn.setDefaultEdgeLabel(() => ({}));
    for (const node of nodes) drawn.setNode(String(node), {width: widths.get(node), height: HEIGHT});
    for (const [from, to] of edges) drawn.setEdge(String(from), String(to), {});
    dagre.layout(drawn);
    return drawn;
  }

  function widthsOf(nodes, labels) {
    const pen = document.createElement("canvas").getContext("2d");
    pen.font = `${FONT_SIZE}px ${getComputedStyle(document.body).fontFamily}`;
    return new Map(nodes.map((node) => [node, Math.ceil(Math.min(WIDEST, pen.measureText(labels.get(node)).width)) + 2 * PADDING]));
  }

  // From the border of one box to that of another, round where it bends.
  function line(points) {
    const middle = (one, other) => ({x: (one.x + other.x) / 2, y: (one.y + other.y) / 2});
    const pair = ({x, y}) => `${x.toFixed(1)} ${y.toFixed(1)}`;
    const bends = points.slice(1, -1).map((point, at) => `Q${pair(point)} ${pair(middle(point, points[at + 2]))}`);
    return `M${pair(points[0])}L${pair(middle(points[0], points[1]))}${bends.join("")}L${pair(points.at(-1))}`;
  }

  function box(node, name, label, {x, y, width, height}, isRoot) {
    const kind = `node ${node.kind}${isRoot ? " chosen" : ""}`;
    const children = [
      shape("title", {}, name),
      shape("rect", {x: 1, y: 1, width: width - 2, height: height - 2, rx: node.kind === "consumer" ? height / 2 : 4}),
      shape("text", {x: width / 2, y: height / 2, "text-anchor": "middle", "dominant-baseline": "central"}, label),
    ];
    // A picture in the picture cuts off what leaves the box, however tall the signs of a name are.
    const made = shape("svg", {x: x - width / 2, y: y - height / 2, width, height}, ...children);
    const link = node.href ? {href: node.href, "aria-label": name, tabindex: "-1"} : {};
    if (isRoot && node.href) link["aria-current"] = "true";
    return shape(node.href ? "a" : "g", {class: kind, ...link}, made);
  }

  // Of the picture one link is reached by Tab; from it the arrow keys lead to the nearest one on their side.
  function leadByKeys(picture, links, start) {
    const STEPS = {ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1]};
    let current = start;
    current.link.setAttribute("tabindex", "0");
    const choose = (link) => {
      current.link.setAttribute("tabindex", "-1");
      current = links.find((one) => one.link === link);
      link.setAttribute("tabindex", "0");
    };
    picture.addEventListener("focusin", (event) => choose(event.target));
    picture.addEventListener("keydown", (event) => {
      const step = STEPS[event.key];
      if (!step || event.ctrlKey || event.altKey || event.metaKey) return;
      event.preventDefault();
      const [dx, dy] = step, cost = ({x, y}) => {
        const along = (x - current.x) * dx + (y - current.y) * dy, aside = Math.abs((x - current.x) * dy) + Math.abs((y - current.y) * dx);
        return along > 1 ? along + 2 * aside : Infinity;
      };
      const nearest = links.reduce((best, one) => cost(one) < cost(best) ? one : best, current);
      nearest.link.focus();
    });
  }

  // Marks the edges of the node that the pointer or the focus is on.
  function lightEdges(picture, edges) {
    for (const [on, off] of [["pointerover", "pointerout"], ["focusin", "focusout"]]) {
      const set = (event, isLit) => {
        const node = event.target.closest(".node");
        for (const {from, to, path} of edges) if (from === node || to === node) path.classList.toggle("lit", isLit);
      };
      picture.addEventListener(on, (event) => set(event, true));
      picture.addEventListener(off, (event) => set(event, false));
    }
  }

  // {picture, focus, …}: the picture, the place of a root in it, and how much of the neighbourhood is drawn. null: nobody
  // calls or is called. graph: calls and callers of each node, and node(place); shown: makes text of servers visible.
  return (graph, roots, title, shown) => {
    const {nodes, edges, ...numbers} = excerpt(graph, roots);
    if (nodes.length < 2) return null;
    const all = new Map(nodes.map((place) => [place, graph.node(place)]));
    const names = new Map(nodes.map((place) => [place, shown(all.get(place).label)]));
    const labels = new Map(nodes.map((place) => [place, shortened(names.get(place))]));
    const drawn = layout(nodes, edges, widthsOf(nodes, labels)), {width, height} = drawn.graph();
    const boxes = new Map(nodes.map((place) => [
      place, box(all.get(place), names.get(place), labels.get(place), drawn.node(String(place)), roots.includes(place)),
    ]));
    const lines = edges.map(([from, to]) => ({
      from: boxes.get(from), to: boxes.get(to),
      path: shape("path", {class: "edge", d: line(drawn.edge(String(from), String(to)).points), "marker-end": "url(#arrow)"}),
    }));
    const arrow = shape("marker", {id: "arrow", viewBox: "0 0 8 8", refX: 8, refY: 4, markerWidth: 7, markerHeight: 7, orient: "auto"}, shape("path", {d: "M0 0L8 4L0 8z"}));
    const size = {width: Math.ceil(width), height: Math.ceil(height)};
    const picture = shape("svg", {class: "picture", role: "group", "aria-label": title, viewBox: `0 0 ${size.width} ${size.height}`, ...size},
      shape("defs", {}, arrow), ...lines.map(({path}) => path), ...boxes.values());
    const places = nodes.map((place) => ({link: boxes.get(place), ...drawn.node(String(place))})).filter(({link}) => link.hasAttribute("href"));
    leadByKeys(picture, places, places[0]);
    lightEdges(picture, lines);
    return {picture, focus: drawn.node(String(roots[0])), drawnNodes: nodes.length, drawnEdges: edges.length, ...numbers};
  };

  function shortened(label) {
    const signs = [...label];
    return signs.length > 40 ? `${signs.slice(0, 39).join("")}…` : label;
  }
})();
