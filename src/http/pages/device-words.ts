import { deviceName } from '../../kernel/device.ts'
import type { Texts } from './texts.ts'

/** The name of a device, as its owner would say it, in the language of the page. */
export const deviceWords = (userAgent: string | null, { devices }: Texts): string => deviceName(userAgent, devices)
