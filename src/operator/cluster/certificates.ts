/** A certificate authority for one cluster, and the certificate that it gives the cluster's processes (docs/decisions/0017). */
import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  randomBytes,
  sign,
  X509Certificate,
} from 'node:crypto'
import {AsnConvert, OctetString} from '@peculiar/asn1-schema'
import {
  AlgorithmIdentifier,
  AttributeTypeAndValue,
  AttributeValue,
  AuthorityKeyIdentifier,
  BasicConstraints,
  Certificate,
  Extension,
  Extensions,
  id_ce_authorityKeyIdentifier,
  id_ce_basicConstraints,
  id_ce_keyUsage,
  id_ce_subjectKeyIdentifier,
  KeyIdentifier,
  KeyUsage,
  KeyUsageFlags,
  Name,
  RelativeDistinguishedName,
  SubjectKeyIdentifier,
  SubjectPublicKeyInfo,
  TBSCertificate,
  Validity,
} from '@peculiar/asn1-x509'

/** PEM. */
export interface KeyPair {
  readonly cert: string
  readonly key: string
}

/** It stays for as long as its cluster does: what trusts it was told so when it began. */
export const AUTHORITY_MS = 10 * 365 * 86_400_000
/** A process shows what it read when it began, and a scheduler may run for months. */
export const CERTIFICATE_MS = 365 * 86_400_000
/** Clocks of nodes differ: a certificate is good a little before it is made. */
const BACKDATE_MS = 3_600_000

const ECDSA_WITH_SHA256 = '1.2.840.10045.4.3.2'
const COMMON_NAME = '2.5.4.3'

export const issueAuthority = (name: string, now: number): KeyPair =>
  issue({name, now, lifeMs: AUTHORITY_MS, usage: KeyUsageFlags.keyCertSign})

/**
 * A certificate for server and client alike, never good for longer than its authority. It names no address: Dask does not check names, for its
 * processes know each other by addresses of pods.
 */
export function issueCertificate(name: string, authority: KeyPair, now: number, lifeMs = CERTIFICATE_MS): KeyPair {
  const left = new X509Certificate(authority.cert).validToDate.getTime() - now
  return issue({name, now, lifeMs: Math.min(lifeMs, left), usage: KeyUsageFlags.digitalSignature, authority})
}

interface Order {
  readonly name: string
  readonly now: number
  readonly lifeMs: number
  readonly usage: KeyUsageFlags
  /** Absent: it is an authority itself. */
  readonly authority?: KeyPair
}

const issue = ({name, now, lifeMs, usage, authority}: Order): KeyPair => {
  const {publicKey, privateKey} = generateKeyPairSync('ec', {namedCurve: 'P-256'})
  const signer = authority && {
    cert: AsnConvert.parse(new X509Certificate(authority.cert).raw, Certificate),
    key: createPrivateKey(authority.key),
  }
  const issuer = signer ? createPublicKey(signer.key) : publicKey
  const algorithm = new AlgorithmIdentifier({algorithm: ECDSA_WITH_SHA256})
  const tbsCertificate = new TBSCertificate({
    // X.509 version 3, which counts from 0.
    version: 2,
    serialNumber: bytes(randomBytes(16).fill(0x40, 0, 1)),
    signature: algorithm,
    issuer: signer?.cert.tbsCertificate.subject ?? nameOf(name),
    validity: new Validity({notBefore: new Date(now - BACKDATE_MS), notAfter: new Date(now + lifeMs)}),
    subject: nameOf(name),
    subjectPublicKeyInfo: AsnConvert.parse(spki(publicKey), SubjectPublicKeyInfo),
    // Python since 3.13 refuses a chain in which one of these is missing (VERIFY_X509_STRICT).
    extensions: new Extensions([
      extension(id_ce_basicConstraints, new BasicConstraints({cA: !authority}), true),
      extension(id_ce_keyUsage, new KeyUsage(usage), true),
      extension(id_ce_subjectKeyIdentifier, new SubjectKeyIdentifier(keyId(publicKey))),
      extension(id_ce_authorityKeyIdentifier, new AuthorityKeyIdentifier({keyIdentifier: new KeyIdentifier(keyId(issuer))})),
    ]),
  })
  const signature = sign('sha256', Buffer.from(AsnConvert.serialize(tbsCertificate)), signer?.key ?? privateKey)
  const certificate = new Certificate({tbsCertificate, signatureAlgorithm: algorithm, signatureValue: bytes(signature)})
  return {
    cert: new X509Certificate(Buffer.from(AsnConvert.serialize(certificate))).toString(),
    key: privateKey.export({type: 'pkcs8', format: 'pem'}).toString(),
  }
}

const nameOf = (name: string): Name =>
  new Name([new RelativeDistinguishedName([new AttributeTypeAndValue({type: COMMON_NAME, value: new AttributeValue({utf8String: name})})])])

const extension = (extnID: string, value: object, critical = false): Extension =>
  new Extension({extnID, critical, extnValue: new OctetString(AsnConvert.serialize(value))})

const spki = (key: KeyObject): Buffer => key.export({type: 'spki', format: 'der'})

const keyId = (key: KeyObject): ArrayBuffer => bytes(createHash('sha256').update(spki(key)).digest().subarray(0, 20))

/** Of its own, and not a part of a pool. */
const bytes = (buffer: Buffer): ArrayBuffer => new Uint8Array(buffer).buffer
