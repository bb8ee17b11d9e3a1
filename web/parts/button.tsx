import type { ComponentChildren } from 'preact';
import { Icon, type IconName } from './icon.js';

export interface ButtonProps {
  children?: ComponentChildren;
  /** `primary`, `danger`, `bare`, `tiny`, `wide`; several with spaces. */
  look?: string;
  icon?: IconName;
  /** What a button with a sign alone is called. */
  label?: string;
  isBusy?: boolean | undefined;
  isDisabled?: boolean;
  type?: 'button' | 'submit';
  onPress?: () => void;
}

export function Button({
  children,
  look = '',
  icon,
  label,
  isBusy,
  isDisabled,
  type = 'button',
  onPress,
}: ButtonProps) {
  const isBare = children === undefined;
  return (
    <button
      type={type}
      class={`button ${look} ${isBare ? 'icon' : ''}`}
      disabled={isDisabled === true || isBusy === true}
      aria-busy={isBusy === true}
      aria-label={label}
      title={isBare ? label : undefined}
      onClick={onPress}
    >
      {isBusy === true ? <span class="spinner" /> : icon !== undefined && <Icon name={icon} />}
      {children}
    </button>
  );
}

export interface LinkButtonProps {
  href: string;
  look?: string;
  icon?: IconName;
  children: ComponentChildren;
}

export const LinkButton = ({ href, look = '', icon, children }: LinkButtonProps) => (
  <a class={`button ${look}`} href={href}>
    {icon !== undefined && <Icon name={icon} />}
    {children}
  </a>
);
