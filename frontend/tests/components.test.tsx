import { render } from "preact";
import { afterEach, expect, test, vi } from "vitest";
import { Markdown } from "../src/lib/markdown";
import { Button } from "../src/ui/button";
import { ListField, TextField } from "../src/ui/field";
import { SettingFields, type SettingSpec } from "../src/ui/setting-fields";
import { Status } from "../src/ui/status";

const root = document.createElement("div");
document.body.append(root);
afterEach(() => render(null, root));

const tick = () => new Promise((resolve) => setTimeout(resolve, 0));

function find<T extends Element>(selector: string): T {
  const found = root.querySelector<T>(selector);
  if (!found) throw new Error(`There is no ${selector}.`);
  return found;
}

test("a description can't become markup", () => {
  render(<Markdown text={'<img src=x onerror="alert(1)"> **bold** [x](javascript:alert(1))'} />, root);
  expect(root.querySelector("img")).toBeNull();
  expect(root.querySelector("a")).toBeNull();
  expect(find("strong").textContent).toBe("bold");
});

test("a description has links, lists and code", () => {
  render(<Markdown text={"See https://example.org/a.\n\n- one\n- `two`\n\n```\ncode\n```"} />, root);
  expect(find<HTMLAnchorElement>("a").href).toContain("https://example.org/a");
  expect(root.querySelectorAll("li")).toHaveLength(2);
  expect(find("pre").textContent).toBe("code");
});

test("a status has its word, not only its colour", () => {
  render(<Status status="down" />, root);
  expect(root.textContent).toBe("Down");
});

test("a busy button takes no second click", async () => {
  let finish = () => {};
  const act = vi.fn(() => new Promise<void>((resolve) => (finish = resolve)));
  render(<Button onClick={act}>Go</Button>, root);
  const button = find<HTMLButtonElement>("button");
  button.click();
  await tick();
  button.click();
  expect(act).toHaveBeenCalledOnce();
  expect(button.getAttribute("aria-busy")).toBe("true");
  finish();
  await tick();
  await tick();
  expect(button.hasAttribute("aria-busy")).toBe(false);
});

test("a button that is off says why and does nothing", async () => {
  const act = vi.fn();
  render(
    <Button onClick={act} refusal="This key lacks the permission monitors.write.">
      Go
    </Button>,
    root,
  );
  const button = find<HTMLButtonElement>("button");
  button.click();
  await tick();
  expect(act).not.toHaveBeenCalled();
  const reason = document.getElementById(button.getAttribute("aria-describedby") ?? "");
  expect(reason?.textContent).toContain("monitors.write");
});

test("an error is tied to its field", () => {
  render(<TextField label="Name" value="" onChange={() => {}} error="must not be empty" />, root);
  const input = find<HTMLInputElement>("input");
  expect(input.getAttribute("aria-invalid")).toBe("true");
  expect(document.getElementById(input.getAttribute("aria-describedby") ?? "")?.textContent).toBe(
    "Name must not be empty",
  );
});

test("a comma can be typed into a list", async () => {
  const change = vi.fn();
  render(<ListField label="Tags" value={["a"]} onChange={change} />, root);
  const input = find<HTMLInputElement>("input");
  input.value = "a,";
  input.dispatchEvent(new Event("input", { bubbles: true }));
  await tick();
  expect(change).toHaveBeenCalledWith(["a"]);
  expect(find<HTMLInputElement>("input").value).toBe("a,");
});

const SPEC: SettingSpec = {
  name: "method",
  type: "string",
  label: "Method",
  help: "",
  unit: null,
  default: "GET",
  secret: false,
  required: false,
  placeholder: "",
  group: "",
  choices: null,
  variants: null,
};

function settings(spec: Partial<SettingSpec>, values = {}, errors = {}) {
  const change = vi.fn();
  render(
    <SettingFields specs={[{ ...SPEC, ...spec }]} values={values} errors={errors} path="settings" onChange={change} />,
    root,
  );
  return change;
}

test("a setting at its default is not sent", async () => {
  const change = settings({}, { method: "HEAD" });
  const input = find<HTMLInputElement>("input");
  input.value = "GET";
  input.dispatchEvent(new Event("input", { bubbles: true }));
  await tick();
  expect(change).toHaveBeenCalledWith({});
});

test("a secret is not shown", () => {
  settings({ secret: true, default: "" }, { method: "********" });
  expect(find<HTMLInputElement>("input").type).toBe("password");
});

test("choosing a kind of a setting begins with that kind alone", async () => {
  const variants = [{ name: "basic", label: "Basic", fields: [{ ...SPEC, name: "username", label: "User name" }] }];
  const change = settings({ name: "auth", type: "variant", default: null, variants });
  const select = find<HTMLSelectElement>("select");
  select.value = "basic";
  select.dispatchEvent(new Event("change", { bubbles: true }));
  await tick();
  expect(change).toHaveBeenCalledWith({ auth: { type: "basic" } });
});

test("an error inside a setting stands at its field", () => {
  const variants = [{ name: "basic", label: "Basic", fields: [{ ...SPEC, name: "username", label: "User name" }] }];
  settings(
    { name: "auth", type: "variant", default: null, variants },
    { auth: { type: "basic" } },
    { "settings.auth.username": "is required" },
  );
  expect(root.textContent).toContain("User name is required");
});
