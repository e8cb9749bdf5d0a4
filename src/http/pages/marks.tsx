import type { ComponentChildren, VNode } from 'preact'

/** Pictures next to words. They repeat what the words say, so that screen readers skip them. */

const Drawing = ({ children }: { children: ComponentChildren }): VNode => (
  <svg
    viewBox="0 0 24 24"
    aria-hidden="true"
    fill="none"
    stroke="currentColor"
    stroke-width="1.8"
    stroke-linecap="round"
  >
    {children}
  </svg>
)

/** A lock: passwords. */
export const PasswordMark = (): VNode => (
  <Drawing>
    <rect x="5" y="11" width="14" height="9" rx="2" />
    <path d="M8 11V8a4 4 0 0 1 8 0v3" />
  </Drawing>
)

/** An envelope: a code by email. */
export const MailMark = (): VNode => (
  <Drawing>
    <rect x="3" y="5" width="18" height="14" rx="2" />
    <path d="m4 7 8 6 8-6" />
  </Drawing>
)

/** The initial of a name, for what has no mark of its own. */
export const Monogram = ({ name }: { name: string }): VNode => (
  <span class="mono" aria-hidden="true">
    {[...name.trim()][0]?.toUpperCase()}
  </span>
)

/** A key: passkeys. */
export const KeyMark = (): VNode => (
  <Drawing>
    <circle cx="8" cy="8" r="4.5" />
    <path d="M11.2 11.2 20 20m-2.5-2.5 2-2m-5-1 2-2" />
  </Drawing>
)
