using System.Diagnostics.CodeAnalysis;
using System.Runtime.InteropServices;
using System.Security.Cryptography;

namespace Signet.Proof;

/// <summary>
/// The platform's own OpenSSL (<c>EVP_DigestInit_ex2(3)</c>, <c>EVP_MAC(3)</c>), called without the platform's wrapper: on the few hundred bytes of an entry the wrapper costs more than the hashing, and a log hashes every entry four
/// times (decision 0011). Only where the platform itself uses OpenSSL 3, and only after both functions gave the platform's results at the start; everywhere else, and for long data, the platform's classes do the work.
/// </summary>
internal static unsafe class LibCrypto
{
    /// <summary>Bytes of data up to which it is used. These calls do not tell the runtime that they are native, which holds up its garbage collection meanwhile: two microseconds at most.</summary>
    public const int Longest = 2048;

    // From evp.h and params.h; all return 1 when they succeeded.
    private static readonly delegate* unmanaged[Cdecl, SuppressGCTransition]<nint, nint, nint, int> DigestInit;
    private static readonly delegate* unmanaged[Cdecl, SuppressGCTransition]<nint, byte*, nint, int> DigestUpdate;
    private static readonly delegate* unmanaged[Cdecl, SuppressGCTransition]<nint, byte*, uint*, int> DigestFinal;
    private static readonly delegate* unmanaged[Cdecl, SuppressGCTransition]<nint, byte*, nint, Parameter*, int> MacRestart;
    private static readonly delegate* unmanaged[Cdecl, SuppressGCTransition]<nint, byte*, nint, int> MacUpdate;
    private static readonly delegate* unmanaged[Cdecl, SuppressGCTransition]<nint, byte*, nint*, nint, int> MacFinal;
    private static readonly delegate* unmanaged[Cdecl]<nint, byte*, nint, Parameter*, int> MacInit;
    private static readonly delegate* unmanaged[Cdecl]<nint> DigestNew;
    private static readonly delegate* unmanaged[Cdecl]<nint, nint> MacNew;
    private static readonly delegate* unmanaged[Cdecl]<nint, void> DigestFree, MacFree;

    // Fetched once and kept for the life of the process, as OpenSSL advises.
    private static readonly nint Sha256, Hmac;

    [ThreadStatic]
    private static Context? _digest;

    static LibCrypto()
    {
        if (!OperatingSystem.IsLinux() || !NativeLibrary.TryLoad("libcrypto.so.3", out var library) || !TryFind(library, "OpenSSL_version_num", out var version)) return;
        if ((long)((delegate* unmanaged[Cdecl]<nuint>)version)() != SafeEvpPKeyHandle.OpenSslVersion) return;   // the platform uses another one
        if (!TryFind(library, "EVP_DigestInit_ex2", out var digestInit) || !TryFind(library, "EVP_DigestUpdate", out var digestUpdate) || !TryFind(library, "EVP_DigestFinal_ex", out var digestFinal)
            || !TryFind(library, "EVP_MAC_init", out var macInit) || !TryFind(library, "EVP_MAC_update", out var macUpdate) || !TryFind(library, "EVP_MAC_final", out var macFinal)
            || !TryFind(library, "EVP_MD_CTX_new", out var digestNew) || !TryFind(library, "EVP_MD_CTX_free", out var digestFree) || !TryFind(library, "EVP_MAC_CTX_new", out var macNew)
            || !TryFind(library, "EVP_MAC_CTX_free", out var macFree) || !TryFind(library, "EVP_MD_fetch", out var digestFetch) || !TryFind(library, "EVP_MAC_fetch", out var macFetch)) return;
        DigestInit = (delegate* unmanaged[Cdecl, SuppressGCTransition]<nint, nint, nint, int>)digestInit;
        DigestUpdate = (delegate* unmanaged[Cdecl, SuppressGCTransition]<nint, byte*, nint, int>)digestUpdate;
        DigestFinal = (delegate* unmanaged[Cdecl, SuppressGCTransition]<nint, byte*, uint*, int>)digestFinal;
        MacInit = (delegate* unmanaged[Cdecl]<nint, byte*, nint, Parameter*, int>)macInit;
        MacRestart = (delegate* unmanaged[Cdecl, SuppressGCTransition]<nint, byte*, nint, Parameter*, int>)macInit;
        MacUpdate = (delegate* unmanaged[Cdecl, SuppressGCTransition]<nint, byte*, nint, int>)macUpdate;
        MacFinal = (delegate* unmanaged[Cdecl, SuppressGCTransition]<nint, byte*, nint*, nint, int>)macFinal;
        DigestNew = (delegate* unmanaged[Cdecl]<nint>)digestNew;
        DigestFree = (delegate* unmanaged[Cdecl]<nint, void>)digestFree;
        MacNew = (delegate* unmanaged[Cdecl]<nint, nint>)macNew;
        MacFree = (delegate* unmanaged[Cdecl]<nint, void>)macFree;
        fixed (byte* sha256 = "SHA256\0"u8, hmac = "HMAC\0"u8)
        {
            Sha256 = ((delegate* unmanaged[Cdecl]<nint, byte*, byte*, nint>)digestFetch)(0, sha256, null);
            Hmac = ((delegate* unmanaged[Cdecl]<nint, byte*, byte*, nint>)macFetch)(0, hmac, null);
        }
        IsAvailable = Sha256 != 0 && Hmac != 0 && GivesThePlatformsResults();
    }

    /// <summary>False: use the platform's classes.</summary>
    public static bool IsAvailable { get; }

    /// <param name="data">At most <see cref="Longest"/> bytes.</param>
    /// <param name="hash">32 bytes.</param>
    /// <returns>False when OpenSSL refuses.</returns>
    public static bool TrySha256(ReadOnlySpan<byte> data, Span<byte> hash)
    {
        var context = _digest ??= new Context(DigestNew(), DigestFree);
        var native = context.DangerousGetHandle();   // this thread's until it ends
        fixed (byte* from = data, to = hash)
            return native != 0 && DigestInit(native, Sha256, 0) == 1 && DigestUpdate(native, from, data.Length) == 1 && DigestFinal(native, to, null) == 1;
    }

    /// <summary>HMAC-SHA-256 under one key, again and again; null when OpenSSL refuses. Disposing it wipes OpenSSL's copy of the key.</summary>
    public static Context? Keyed(ReadOnlySpan<byte> key)
    {
        var context = new Context(MacNew(Hmac), MacFree);
        fixed (byte* bytes = key, name = "digest\0"u8, value = "SHA256\0"u8)
        {
            var parameters = stackalloc Parameter[2];   // ended by an empty one
            parameters[0] = new() { Key = name, Type = Parameter.Utf8, Data = value, Size = 6 };
            parameters[1] = default;
            if (!context.IsInvalid && MacInit(context.DangerousGetHandle(), bytes, key.Length, parameters) == 1) return context;
        }
        context.Dispose();
        return null;
    }

    /// <param name="keyed">From <see cref="Keyed"/>; one thread at a time.</param>
    /// <param name="data">At most <see cref="Longest"/> bytes.</param>
    /// <param name="mac">32 bytes.</param>
    /// <returns>False when OpenSSL refuses.</returns>
    public static bool TryMac(Context keyed, ReadOnlySpan<byte> data, Span<byte> mac)
    {
        ObjectDisposedException.ThrowIf(keyed.IsClosed, keyed);
        var native = keyed.DangerousGetHandle();
        bool isDone;
        fixed (byte* from = data, to = mac)
            isDone = MacRestart(native, null, 0, null) == 1 && MacUpdate(native, from, data.Length) == 1 && MacFinal(native, to, null, mac.Length) == 1;
        GC.KeepAlive(keyed);
        return isDone;
    }

    private static bool GivesThePlatformsResults()
    {
        ReadOnlySpan<byte> sample = "signet"u8;
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        if (!TrySha256(sample, hash) || !hash.SequenceEqual(SHA256.HashData(sample))) return false;
        using var keyed = Keyed(hash);
        Span<byte> mac = stackalloc byte[HMACSHA256.HashSizeInBytes];
        // Twice: the second one starts again with the same key.
        for (var i = 0; i < 2; i++)
            if (keyed is null || !TryMac(keyed, sample, mac) || !mac.SequenceEqual(HMACSHA256.HashData(hash, sample)))
                return false;
        return true;
    }

    private static bool TryFind(nint library, string name, out nint function) => NativeLibrary.TryGetExport(library, name, out function);

    /// <summary>A context of OpenSSL; freed when its owner or its thread is gone.</summary>
    internal sealed class Context : SafeHandle
    {
        private readonly delegate* unmanaged[Cdecl]<nint, void> _free;

        public Context(nint native, delegate* unmanaged[Cdecl]<nint, void> free)
            : base(0, ownsHandle: true)
        {
            _free = free;
            SetHandle(native);
        }

        public override bool IsInvalid => handle == 0;

        protected override bool ReleaseHandle()
        {
            _free(handle);
            return true;
        }
    }

    /// <summary>OSSL_PARAM of core.h.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct Parameter
    {
        public const uint Utf8 = 4;   // OSSL_PARAM_UTF8_STRING
        public byte* Key;
        public uint Type;
        public byte* Data;
        public nint Size;
        [SuppressMessage("Style", "IDE0051", Justification = "Part of the layout; OpenSSL writes here only when a value is asked for.")]
        private readonly nint _written;
    }
}
