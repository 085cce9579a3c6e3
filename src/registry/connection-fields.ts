import type { IntegrationType, systems } from '../schema/systems.ts'

/* Spelled out, and not inferred from `systems`: an editor shows what stands above a field. A test holds them together. */

/** What each system's credential bundle holds. */
export type ConnectionFieldsBySystem = {
  /** Xledger: accounting, GraphQL. */
  xledger: {
    /** The API key. Secret. */
    readonly api_key: string
    /** The URL of its API, such as `https://api.xledger.net`. */
    readonly base_url: string
    /** The company's number in Xledger. */
    readonly company_id: string
  }
  /** Microsoft Dynamics 365 Business Central: accounting, OData. */
  dynamics: {
    /** The secret of the app registration. Secret. */
    readonly client_secret: string
    /** The directory in Microsoft Entra. */
    readonly tenant_id: string
    /** The app registration's id. */
    readonly client_id: string
    /** The URL of the environment. */
    readonly resource_url: string
  }
  /** Cornerstone: learning and people, REST. */
  cornerstone: {
    /** The API key. Secret. */
    readonly api_key: string
    /** The portal's name: `acme` of `acme.csod.com`. */
    readonly subdomain: string
  }
  /** Consio: membership register, REST. */
  consio: {
    /** The API key, sent as a bearer token. Secret. */
    readonly api_key: string
    /** The URL of its API. */
    readonly base_url: string
  }
  /** Bufdir: government grant reporting. */
  bufdir: {
    /** The organization number, nine digits. */
    readonly org_id: string
    /** The year reported on, four digits. */
    readonly report_year: string | number
    /** The URL that reports are submitted to. */
    readonly api_endpoint: string
  }
}

/** What connecting to one system takes: the fields of its credential bundle, by name. */
export type ConnectionFields<T extends IntegrationType> = T extends keyof ConnectionFieldsBySystem
  ? ConnectionFieldsBySystem[T]
  : Inferred<T>

/** Of a system that is not spelled out above. */
type Inferred<T extends IntegrationType> = {
  readonly [F in keyof Fields<T> as Fields<T>[F] extends { required: true } ? F : never]: Value<Fields<T>[F]>
} & {
  readonly [F in keyof Fields<T> as Fields<T>[F] extends { required: true } ? never : F]?: Value<Fields<T>[F]>
}
type Fields<T extends IntegrationType> = (typeof systems)[T]['fields']
type Value<F> = F extends { type: 'year' } ? string | number : string
