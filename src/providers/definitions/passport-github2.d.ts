declare module 'passport-github2' {
  import OAuth2Strategy from 'passport-oauth2'

  export type Options = Partial<OAuth2Strategy.StrategyOptions> & {
    clientID: string
    clientSecret: string
    userProfileURL?: string
    userEmailURL?: string
    allRawEmails?: boolean
  }
  export class Strategy extends OAuth2Strategy {
    constructor(options: Options, verify: OAuth2Strategy.VerifyFunction)
  }
}
