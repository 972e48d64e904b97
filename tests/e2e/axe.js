// Print what axe finds on each page of a site, light and dark, on a phone, a tablet and a screen.
// node axe.js MODULES CHROMIUM SITE: modules holds axe-core and playwright-core of npm.
const fs = require("fs");
const path = require("path");
const [modules, chromium, site] = process.argv.slice(2);
const playwright = require(path.join(modules, "playwright-core"));
const axe = fs.readFileSync(path.join(modules, "axe-core", "axe.min.js"), "utf8");

const pages = fs.readdirSync(site, { recursive: true })
  .filter((name) => name.endsWith(".html") && !name.includes("site_libs"));

async function look(page, file) {
  await page.goto("file://" + path.join(site, file), { waitUntil: "load" });
  await page.evaluate(axe);
  return page.evaluate(async () => {
    const { violations } = await axe.run();
    const found = violations.map(
      (one) => `${one.id}: ${one.nodes.map((node) => node.target.join(" ")).slice(0, 3).join("; ")}`);
    const root = document.documentElement;
    const wider = root.scrollWidth - root.clientWidth;
    return wider > 1 ? [...found, `the page is ${wider} pixels wider than the window`] : found;
  });
}

(async () => {
  const args = ["--no-sandbox", "--allow-file-access-from-files"];
  const browser = await playwright.chromium.launch({ executablePath: chromium, args });
  const found = [];
  let looked = 0;
  for (const colorScheme of ["light", "dark"]) {
    for (const width of [400, 768, 1300]) {
      const context = await browser.newContext({ viewport: { width, height: 900 }, colorScheme });
      const page = await context.newPage();
      for (const file of pages) {
        for (const fault of await look(page, file)) {
          found.push(`${file}, ${colorScheme}, ${width} px, ${fault}`);
        }
        looked += 1;
      }
      await context.close();
    }
  }
  await browser.close();
  console.log(JSON.stringify({ looked, found }));
})();
