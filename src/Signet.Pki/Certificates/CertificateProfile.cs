namespace Signet.Pki;

/// <summary>What a certificate is for. Each profile fixes key usage, extended key usage, names and lifetime: docs/spec/pki.md, "Profiles". Numbers are stored in the ledger: append only.</summary>
public enum CertificateProfile
{
    Root = 1,
    Intermediate = 2,

    /// <summary>TLS server of the MQTT listeners.</summary>
    Broker = 3,

    /// <summary>TLS server of the console, and the center's own TLS client towards a broker.</summary>
    Center = 4,

    /// <summary>Signs commands (PS256). Never used for TLS.</summary>
    CenterSign = 5,

    /// <summary>TLS client of a device; the same key signs its receipts (ES256).</summary>
    Device = 6,

    /// <summary>Key agreement: commands are sealed to it.</summary>
    DeviceSealing = 7,

    /// <summary>TLS client of a person; the same key signs approvals.</summary>
    User = 8,

    /// <summary>Signs audit checkpoints.</summary>
    CheckpointSigner = 9,

    /// <summary>Delegated OCSP responder (RFC 6960, section 4.2.2.2).</summary>
    OcspSigner = 10,

    /// <summary>A proxy that ends TLS: server towards its clients, client towards the console, where it may say whom it speaks for if it is named there. Good for nothing else.</summary>
    Proxy = 11,
}

/// <summary>Kinds of key this authority makes and accepts. P-256 is the default: fastest to sign and to judge.</summary>
public enum KeyKind
{
    P256 = 1,
    P384 = 2,
    Rsa2048 = 3,
    Rsa3072 = 4,
    Rsa4096 = 5,
}
