import type { ComponentChildren, VNode } from 'preact'

type PanelProps = {
  /** The element ID of its heading. */
  readonly id: string
  readonly title: ComponentChildren
  readonly children: ComponentChildren
}

/** A section of a page of an area: whatever belongs together, in one frame under one heading. */
export const Panel = ({ id, title, children }: PanelProps): VNode => (
  <section class="panel" aria-labelledby={id}>
    <h2 id={id}>{title}</h2>
    {children}
  </section>
)
