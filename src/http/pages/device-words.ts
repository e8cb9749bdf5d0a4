import { deviceName } from '../../kernel/device.ts'
import type { Texts } from './texts.ts'

/** A device as its owner would name it, in the page's language. */
export const deviceWords = (userAgent: string | null, { devices }: Texts): string => deviceName(userAgent, devices)
