import { render } from "preact";
import { afterEach, expect, test } from "vitest";
import { Diff } from "../src/ui/diff";
import { detailWords } from "../src/ui/result";

const root = document.createElement("div");
document.body.append(root);
afterEach(() => render(null, root));

test("a change can be told without its colour", () => {
  render(<Diff label="What changed" diff={"@@ -3,2 +3,2 @@\n same\n-old\n+new\n\\ the rest is left out"} />, root);
  const lines = [...root.querySelectorAll(".diff-line")].map((line) => line.textContent);
  expect(lines).toEqual(["Line 3", " same", "−removed: old", "+added: new", "the rest is left out"]);
});

test("what a target says stays text", () => {
  render(<Diff label="What changed" diff={"+<img src=x onerror=alert(1)>"} />, root);
  expect(root.querySelector("img")).toBeNull();
});

test.each<[string, unknown, [string, string]]>([
  ["loss_percent", 20, ["Loss", "20 %"]],
  ["exit_status", 2, ["Exit status", "2"]],
  ["addresses", ["a", "b"], ["Addresses", "a, b"]],
  ["is_signed", true, ["Is signed", "yes"]],
])("the detail %s is told in words", (name, value, words) => expect(detailWords(name, value)).toEqual(words));
