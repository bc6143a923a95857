import { render } from "preact";
import { App } from "./app";
import { startRouter } from "./lib/router";
import { resume } from "./lib/session";
import { startTheme } from "./lib/theme";
import "./style/tokens.css";
import "./style/base.css";
import "./style/shell.css";
import "./style/pages.css";

startTheme();
startRouter();
void resume();
const root = document.getElementById("app");
if (root) render(<App />, root);
