// The page in a real Chromium: the distribution’s own, without a network but this machine’s.
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import axe from 'axe-core';
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core';
import { findProgram } from './servers.js';

const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--no-first-run',
];

export const startBrowser = (): Promise<Browser> =>
  chromium.launch({ executablePath: findProgram('chromium', 'chromium'), args: FLAGS });

export interface Look {
  theme: 'light' | 'dark';
  width: number;
}

/** Both themes, and a telephone beside a desk. */
export const looks: Look[] = [
  { theme: 'light', width: 1280 },
  { theme: 'dark', width: 360 },
];
/** Each theme at each width. */
export const allLooks: Look[] = [...looks, { theme: 'dark', width: 1280 }, { theme: 'light', width: 360 }];

/** And on a broad screen. */
export const broadLooks: Look[] = [...allLooks, { theme: 'light', width: 1920 }];

export interface OpenOptions {
  /** The manager’s, with the path of a proxy. */
  url: string;
  /** Signs in with it. */
  token?: string;
  /** What follows the URL: `#/accounts/demo/entities`. */
  hash?: string;
  look?: Look;
  ignoreHTTPSErrors?: boolean;
}

/** A window of its own, with its own cookies. */
export class Window {
  /** What the page should not have said: errors, refusals of its content policy, exceptions. */
  readonly complaints: string[] = [];
  /** Addresses that it asked. */
  readonly requests: string[] = [];

  private constructor(
    readonly page: Page,
    readonly url: string,
    readonly context: BrowserContext,
  ) {
    page.on('console', (message) => {
      // A refusal of the API is told there as well, and is no fault of the page.
      const isRefusal = /Failed to load resource: the server responded with a status of 4\d\d/.test(
        message.text(),
      );
      if (message.type() !== 'error' || isRefusal) return;
      const { url, lineNumber, columnNumber } = message.location();
      this.complaints.push(`${message.text()} ${url}:${lineNumber}:${columnNumber}`);
    });
    page.on('pageerror', (error) => this.complaints.push(error.message));
    page.on('request', (request) => this.requests.push(request.url()));
  }

  static async open(browser: Browser, options: OpenOptions): Promise<Window> {
    const { url, token, hash = '', look = looks[0] as Look, ignoreHTTPSErrors = false } = options;
    const context = await browser.newContext({
      viewport: { width: look.width, height: look.width < 600 ? 740 : 860 },
      colorScheme: look.theme,
      ignoreHTTPSErrors,
      reducedMotion: 'reduce',
    });
    context.setDefaultTimeout(60_000);
    const window = new Window(await context.newPage(), url, context);
    await window.page.goto(`${url}/${hash}`);
    if (token !== undefined) await window.signIn(token);
    return window;
  }

  async signIn(token: string): Promise<void> {
    await this.page.getByLabel('Token').fill(token);
    await this.page.getByRole('button', { name: 'Sign in', exact: true }).click();
    await this.page.getByRole('heading', { name: 'Sign in' }).waitFor({ state: 'detached' });
  }

  async go(hash: string): Promise<void> {
    await this.page.goto(`${this.url}/${hash}`);
  }

  /** Replaces the whole text of an editor, as somebody who pastes does. */
  async type(label: string, text: string): Promise<void> {
    await this.page.getByRole('textbox', { name: label }).click();
    await this.page.keyboard.press('ControlOrMeta+a');
    await this.page.keyboard.insertText(text);
  }

  async resize({ theme, width }: Look): Promise<void> {
    await this.page.setViewportSize({ width, height: width < 600 ? 740 : 860 });
    await this.page.emulateMedia({ colorScheme: theme });
  }

  /** Keeps what is seen, for people to look at. */
  async keep(name: string): Promise<void> {
    fs.mkdirSync(artefacts, { recursive: true });
    await this.page.screenshot({ path: path.join(artefacts, `${name}.png`), fullPage: true });
  }

  /** What axe calls serious or worse, each with where. */
  async faults(): Promise<string[]> {
    await this.page.evaluate(axe.source);
    const { violations } = await this.page.evaluate<AxeResult>(
      'axe.run(document, { resultTypes: ["violations"] })',
    );
    return violations
      .filter(({ impact }) => impact === 'serious' || impact === 'critical')
      .flatMap(({ id, nodes }) =>
        nodes.map(({ target, failureSummary }) => `${id}: ${target.join(' ')}: ${failureSummary}`),
      );
  }

  /** Whether something is broader than the window. */
  async overflows(): Promise<boolean> {
    return this.page.evaluate<boolean>(
      'document.documentElement.scrollWidth > document.documentElement.clientWidth',
    );
  }

  /** @throws Error that says what the page should not have said, and forgets it */
  assertContent(): void {
    const said = this.complaints.splice(0);
    if (said.length > 0) throw new Error(`The page complained:\n${said.join('\n')}`);
  }

  async close(): Promise<void> {
    await this.context.close();
  }
}

interface AxeResult {
  violations: { id: string; impact: string; nodes: { target: string[]; failureSummary: string }[] }[];
}

const artefacts = fileURLToPath(new URL('../../test-artefacts/page', import.meta.url));

/** What keeps a screen from being shown to people, with a picture of it in every look. */
export async function judgeScreen(window: Window, name: string, seen = looks): Promise<string[]> {
  const found: string[] = [];
  for (const look of seen) {
    await window.resize(look);
    const at = `${name}, ${look.theme}, ${look.width} px`;
    await window.keep(`${name}-${look.theme}-${look.width}`);
    found.push(...(await window.faults()).map((fault) => `${at}: ${fault}`));
    if (await window.overflows()) found.push(`${at}: broader than the window`);
  }
  await window.resize(looks[0] as Look);
  return found;
}
