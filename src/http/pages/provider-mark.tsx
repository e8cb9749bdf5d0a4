import type { VNode } from 'preact'
import type { Provider } from '../../providers/provider.ts'

/**
 * The mark of a provider, as tall as the text and in its color. It has no name for screen readers: the name of the
 * provider is always next to it.
 */
export const ProviderMark = ({ provider: { mark } }: { readonly provider: Pick<Provider, 'mark'> }): VNode => (
  <svg
    viewBox={`0 0 ${mark.width} ${mark.height}`}
    height="1em"
    fill="currentColor"
    aria-hidden="true"
    focusable="false"
  >
    <path d={mark.path} />
  </svg>
)
