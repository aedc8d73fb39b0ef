// Starts what everything stands on, then shows the dashboard.

import { render } from "preact";
import { startClock } from "./lib/clock";
import { startKeys } from "./lib/keys";
import { startRouter } from "./lib/router";
import { App } from "./shell/app";
import { startTab } from "./state/overview";
import { startSession } from "./state/session";
import { startTheme } from "./state/theme";
import { toastError } from "./state/toasts";
import { reportFailures } from "./ui/button";

const root = document.getElementById("app");
if (root) {
  startTheme();
  startRouter();
  startClock();
  startKeys();
  startTab();
  reportFailures(toastError);
  void startSession();
  render(<App />, root);
}
