using System.Buffers.Text;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using Signet.Pki;
using Signet.Wire;

namespace Signet.Control;

/// <summary>
/// HMAC keys that the center shares with devices too small for signatures (suite <c>signet-hs256-1</c>): two for each device, one per direction, derived (HKDF-SHA-256, RFC 5869) from
/// <c>pki/shared.key</c> (0600). Whoever holds one can verify with it and forge with it: what is said under it proves nothing to others.
/// </summary>
internal sealed class SharedKeys
{
    private const int KeyBytes = 32;
    private readonly byte[] _master;

    private SharedKeys(byte[] master) => _master = master;

    /// <exception cref="PkiException">Readable by others, or damaged.</exception>
    public static SharedKeys Open(string directory, RandomNumberGenerator random)
    {
        var path = Path.Combine(directory, "shared.key");
        var master = new byte[KeyBytes];
        if (!File.Exists(path))
        {
            random.GetBytes(master);
            KeyFile.WritePrivate(path, Encoding.ASCII.GetBytes(Convert.ToBase64String(master) + "\n"));
            return new(master);
        }

        KeyFile.RequirePrivate(path);
        return Convert.TryFromBase64String(File.ReadAllText(path).Trim(), master, out var length) && length == KeyBytes ? new(master)
            : throw new PkiException($"{path} is damaged: without it devices that share keys with the center are not understood; restore it from a backup");
    }

    /// <summary>What a device is given, and what the center keeps in memory of it.</summary>
    public SharedPair PairOf(string device, long version)
    {
        var (down, up) = (Derive("down", device, version), Derive("up", device, version));
        var (downId, upId) = (IdOf("down", device, version), IdOf("up", device, version));
        return new(version, SigningKey.Hs256(down, downId), PinnedKey.Hs256(up, device, upId), new JsonObject
        {
            ["version"] = 1,
            ["down"] = new JsonObject { ["kid"] = downId, ["key"] = Base64Url.EncodeToString(down) },
            ["up"] = new JsonObject { ["kid"] = upId, ["key"] = Base64Url.EncodeToString(up) },
        }.ToJsonString());
    }

    private byte[] Derive(string direction, string device, long version)
        => HKDF.DeriveKey(HashAlgorithmName.SHA256, _master, KeyBytes, salt: [], Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture, $"signet {direction} {version} {device}")));

    // Short enough for any name, and different for each key.
    private static string IdOf(string direction, string device, long version)
        => $"{direction}.{Base64Url.EncodeToString(SHA256.HashData(Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{version} {device}"))))[..22]}";
}

/// <param name="Version">Of the making.</param>
/// <param name="Down">Signs what the center says.</param>
/// <param name="Up">Verifies what the device says.</param>
/// <param name="Home">The device's <c>shared.json</c>: secret.</param>
internal sealed record SharedPair(long Version, SigningKey Down, PinnedKey Up, string Home)
{
    public override string ToString() => $"shared keys, version {Version}"; // never the keys
}
