using System.Runtime.InteropServices;
using System.Security.Cryptography;

namespace Signet.Mqtt.Broker.Transport;

/// <summary>
/// Two settings of OpenSSL that SslStream has no words for, made for every TLS connection of this process as it is created (<c>CRYPTO_get_ex_new_index(3)</c>):
/// no session tickets (<c>SSL_set_num_tickets(3)</c>), and no buffers held while idle (<c>SSL_MODE_RELEASE_BUFFERS</c>, <c>SSL_CTX_set_mode(3)</c>).
/// <para>Why: with tickets switched off the platform's own way (<c>AllowTlsResume = false</c>) it makes an OpenSSL context for every connection, which costs memory and a good part of
/// the handshake (docs/performance.md). With this in force the context is shared, and there is still nothing that a client could resume with.</para>
/// </summary>
internal static class OpenSsl
{
    /// <summary>CRYPTO_EX_INDEX_SSL of crypto.h.</summary>
    private const int ExIndexSsl = 0;

    /// <summary>SSL_CTRL_MODE and SSL_MODE_RELEASE_BUFFERS of ssl.h.</summary>
    private const int ControlMode = 33, ModeReleaseBuffers = 0x10;
    private static readonly Lazy<bool> Installed = new(Install);

    // Held for ever: OpenSSL keeps the pointer.
    private static ExNew? created;
    private static SetNumTickets? setNumTickets;
    private static Control? control;

    [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
    private delegate void ExNew(nint parent, nint ptr, nint ad, int index, nint argl, nint argp);

    [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
    private delegate int GetExNewIndex(int classIndex, nint argl, nint argp, nint newFunction, nint duplicateFunction, nint freeFunction);

    [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
    private delegate int SetNumTickets(nint ssl, nuint count);

    [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
    private delegate nint Control(nint ssl, int command, nint larg, nint parg);

    [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
    private delegate nuint VersionNumber();

    /// <summary>True when no TLS connection that this process accepts from now on gives out a ticket. False where the platform's TLS is not OpenSSL 3: then nothing was changed.</summary>
    public static bool IssuesNoTickets => Installed.Value;

    private static bool Install()
    {
        if (!OperatingSystem.IsLinux() || !NativeLibrary.TryLoad("libssl.so.3", out var ssl) || !NativeLibrary.TryLoad("libcrypto.so.3", out var crypto)) return false;
        if (!TryFind<VersionNumber>(crypto, "OpenSSL_version_num", out var version) || (long)version() != SafeEvpPKeyHandle.OpenSslVersion) return false; // the platform uses another one
        if (!TryFind<GetExNewIndex>(crypto, "CRYPTO_get_ex_new_index", out var register) || !TryFind(ssl, "SSL_set_num_tickets", out setNumTickets) || !TryFind(ssl, "SSL_ctrl", out control)) return false;
        created = Created;
        return register(ExIndexSsl, 0, 0, Marshal.GetFunctionPointerForDelegate(created), 0, 0) >= 0;
    }

    /// <summary>Called by SSL_new; must not throw.</summary>
    private static void Created(nint parent, nint ptr, nint ad, int index, nint argl, nint argp)
    {
        _ = setNumTickets!(parent, 0);
        _ = control!(parent, ControlMode, ModeReleaseBuffers, 0);
    }

    private static bool TryFind<T>(nint library, string name, [System.Diagnostics.CodeAnalysis.NotNullWhen(true)] out T? function)
        where T : Delegate
    {
        function = NativeLibrary.TryGetExport(library, name, out var address) ? Marshal.GetDelegateForFunctionPointer<T>(address) : null;
        return function is not null;
    }
}
