import type { ComponentType } from 'preact';
import type { Permission } from '../data/may.js';
import type { Route } from '../data/route.js';
import type { IconName } from '../parts/icon.js';

export interface ScreenProps {
  scope: string;
  /** Of the route, without its first word. */
  path: readonly string[];
  route: Route;
}

export interface Screen {
  /** First word of its address. */
  name: string;
  title: string;
  icon: IconName;
  /** Without it the screen would show refusals alone. */
  needs: Permission;
  Show: ComponentType<ScreenProps>;
}
