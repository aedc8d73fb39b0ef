// Shows the OpenAPI document: every operation with what it takes and gives. Text only ever becomes text nodes.

const METHODS = ["get", "post", "put", "patch", "delete"];
const DEEPEST = 6;

const byId = (id) => document.getElementById(id);

/** An element with attributes and children; strings become text. */
function make(name, attributes, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes ?? {})) element.setAttribute(key, value);
  element.append(...children.filter((child) => child !== null && child !== ""));
  return element;
}

/** Text with `code` in backticks. */
function prose(text) {
  return (text ?? "").split("`").map((part, index) => (index % 2 ? make("code", {}, part) : part));
}

const shortName = (schema) => schema.$ref?.split("/").pop() ?? "";

function reader(whole) {
  const resolve = (node) =>
    node?.$ref ? node.$ref.slice(2).split("/").reduce((at, key) => at?.[key], whole) : node;

  /** A schema's type in few words. */
  function kind(schema) {
    if (!schema) return "";
    if (schema.$ref) return shortName(schema);
    if ("const" in schema) return JSON.stringify(schema.const);
    if (schema.enum) return schema.enum.map((one) => JSON.stringify(one)).join(" | ");
    const options = schema.anyOf ?? schema.oneOf;
    if (options) return options.map(kind).join(" | ");
    if (schema.type === "array") return `list of ${kind(schema.items) || "anything"}`;
    if (schema.type === "object" && schema.additionalProperties) return `object of ${kind(schema.additionalProperties)}`;
    if (schema.format === "date-time") return "instant";
    return Array.isArray(schema.type) ? schema.type.join(" | ") : (schema.type ?? "anything");
  }

  function limits(schema) {
    const said = [];
    if (schema.minimum !== undefined) said.push(`${schema.minimum} to ${schema.maximum ?? "…"}`);
    if (schema.maxLength !== undefined) said.push(`${schema.minLength ?? 0} to ${schema.maxLength} characters`);
    if (schema.maxItems !== undefined) said.push(`at most ${schema.maxItems} entries`);
    if (schema.pattern !== undefined) said.push(`matches ${schema.pattern}`);
    if (schema.default !== undefined) said.push(`default ${JSON.stringify(schema.default)}`);
    return said.join("; ");
  }

  /** The fields below a schema that has any, as nested tables. */
  function fields(schema, depth = 0) {
    const at = resolve(schema);
    if (!at || depth > DEEPEST) return null;
    const options = at.oneOf ?? at.anyOf;
    if (options) {
      const inner = options.map((one) => [one, fields(one, depth + 1)]).filter(([, table]) => table);
      return inner.length === 0
        ? null
        : make("div", {}, ...inner.map(([one, table]) => fold(kind(one), table)));
    }
    if (at.type === "array") return fields(at.items, depth + 1);
    if (!at.properties) return null;
    const rows = Object.entries(at.properties).flatMap(([name, property]) => {
      const inner = fields(property, depth + 1);
      const needed = at.required?.includes(name) ? " *" : "";
      const about = [property.description, limits(property)].filter(Boolean).join(" · ");
      const row = make(
        "tr",
        {},
        make("td", {}, make("code", {}, name + needed)),
        make("td", {}, make("span", { class: "dim" }, kind(property))),
        make("td", {}, about, inner ? fold(`fields of ${name}`, inner) : ""),
      );
      return [row];
    });
    return make("div", { class: "scroll" }, make("table", {}, make("tbody", {}, ...rows)));
  }

  const fold = (title, content) => make("details", {}, make("summary", {}, title), make("div", {}, content));

  function parameters(operation) {
    if (!operation.parameters?.length) return null;
    const rows = operation.parameters.map((one) =>
      make(
        "tr",
        {},
        make("td", {}, make("code", {}, one.name + (one.required ? " *" : ""))),
        make("td", {}, make("span", { class: "dim" }, `${one.in}: ${kind(one.schema)}`)),
        make("td", {}, [one.description, limits(one.schema)].filter(Boolean).join(" · ")),
      ),
    );
    return make("div", { class: "scroll" }, make("table", {}, make("tbody", {}, ...rows)));
  }

  function responses(operation) {
    const rows = Object.entries(operation.responses).map(([status, response]) => {
      const at = resolve(response);
      const [media, content] = Object.entries(at.content ?? {})[0] ?? [];
      const name = media === undefined ? "" : media === "application/json" ? kind(content.schema) : media;
      const inner = status.startsWith("2") && content ? fields(content.schema) : null;
      return make(
        "tr",
        {},
        make("td", {}, make("code", {}, status)),
        make("td", {}, make("span", { class: "dim" }, name)),
        make("td", {}, ...prose(at.description), inner ? fold("fields", inner) : ""),
      );
    });
    return make("div", { class: "scroll" }, make("table", {}, make("tbody", {}, ...rows)));
  }

  function operation(method, path, said) {
    const body = said.requestBody?.content["application/json"]?.schema;
    const element = make(
      "details",
      { id: said.operationId },
      make(
        "summary",
        {},
        make("span", { class: "method" }, method.toUpperCase()),
        make("span", { class: "path" }, path),
        make("span", { class: "dim" }, ` ${said.summary}`),
      ),
    );
    // Drawn when it is opened: all of them at once would be fifty thousand elements.
    element.addEventListener("toggle", () => {
      if (!element.open || element.childElementCount > 1) return;
      const asked = parameters(said);
      element.append(
        make(
          "div",
          {},
          make("p", { class: "prose" }, ...prose(said.description)),
          ...(asked ? [make("h3", {}, "Parameters"), asked] : []),
          ...(body ? [make("h3", {}, `Body: ${kind(body)}`), fields(body) ?? ""] : []),
          make("h3", {}, "Answers"),
          responses(said),
        ),
      );
    });
    return element;
  }

  return { operation };
}

function show(whole) {
  const { operation } = reader(whole);
  const main = byId("reference");
  const contents = byId("contents");
  const entries = [];
  byId("version").textContent = whole.info.version;
  main.replaceChildren(make("p", { class: "prose" }, ...prose(whole.info.description)));
  for (const { name } of whole.tags) {
    const section = make("section", { "aria-label": name }, make("h2", {}, name));
    const list = make("ul", {});
    for (const [path, item] of Object.entries(whole.paths)) {
      for (const method of METHODS) {
        const said = item[method];
        if (!said?.tags.includes(name)) continue;
        const shown = operation(method, path, said);
        const link = make("li", {}, make("a", { href: `#${said.operationId}` }, said.summary));
        section.append(shown);
        list.append(link);
        entries.push({ text: `${method} ${path} ${said.summary}`.toLowerCase(), shown, link, section });
      }
    }
    main.append(section);
    contents.append(make("h3", {}, name), list);
  }
  byId("search").addEventListener("input", (event) => find(entries, event.target.value));
  addEventListener("hashchange", open);
  open();
}

function open() {
  const target = location.hash ? byId(decodeURIComponent(location.hash.slice(1))) : null;
  if (target?.tagName !== "DETAILS") return;
  target.open = true;
  target.scrollIntoView();
}

function find(entries, typed) {
  const words = typed.toLowerCase().split(/\s+/).filter(Boolean);
  const shownIn = new Set();
  let count = 0;
  for (const { text, shown, link, section } of entries) {
    const matches = words.every((word) => text.includes(word));
    shown.hidden = link.hidden = !matches;
    if (matches) {
      count += 1;
      shownIn.add(section);
    }
  }
  for (const { section } of entries) section.hidden = !shownIn.has(section);
  byId("found").textContent = words.length ? `${count} of ${entries.length}` : "";
}

try {
  const answer = await fetch("v1/openapi.json");
  if (!answer.ok) throw new Error(`the document answered ${answer.status}`);
  show(await answer.json());
} catch (error) {
  byId("reference").replaceChildren(make("p", { role: "alert" }, `The reference can't be shown: ${error.message}.`));
}
