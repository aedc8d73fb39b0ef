import { expect, test } from "vitest";
import { isPlainFromElsewhere } from "../src/features/login/plain";

test.each([
  ["http://192.168.1.5:8090/", true],
  ["http://asura.lan/", true],
  ["http://localhost.example.org/", true],
  ["http://[fd00::1]:8090/", true],
  ["https://asura.lan/", false],
  ["http://localhost:8090/", false],
  ["http://asura.localhost/", false],
  ["http://127.0.0.1:8090/", false],
  ["http://127.1.2.3/", false],
  ["http://[::1]:8090/", false],
])("over %s a login is lost: %s", (url, isLost) => expect(isPlainFromElsewhere(new URL(url))).toBe(isLost));
