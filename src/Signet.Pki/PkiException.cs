namespace Signet.Pki;

/// <summary>
/// The authority's own files, keys or configuration cannot be used. <see cref="Exception.Message"/> is one clear line that says what is wrong and how to mend it;
/// it never holds key material. Hostile input from the network never ends here: it gets a refusal value instead.
/// </summary>
public sealed class PkiException : Exception
{
    public PkiException(string message) : base(message) { }

    public PkiException(string message, Exception inner) : base(message, inner) { }
}
