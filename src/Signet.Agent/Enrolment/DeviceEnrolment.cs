using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json;
using System.Text.Json.Nodes;
using Signet.Pki;
using Signet.Wire;

namespace Signet.Agent;

/// <summary>How a device that has nothing becomes one of the fleet.</summary>
/// <param name="Center">The console: <c>https://HOST:8443</c>.</param>
/// <param name="Name">The device.</param>
/// <param name="Directory">Its home, made by this; empty or missing, or one that an earlier try has left.</param>
/// <param name="Token">One-time token; null with <paramref name="Made"/>.</param>
/// <param name="Roots">Roots to believe; null with <paramref name="RootFingerprint"/>.</param>
/// <param name="RootFingerprint">SHA-256 of the root, hexadecimal: the roots are then fetched and held against it.</param>
/// <param name="Made">The certificate of the device's maker, with its key.</param>
public sealed record EnrolmentOptions(
    Uri Center, string Name, string Directory, string? Token, X509Certificate2Collection? Roots, string? RootFingerprint = null, X509Certificate2? Made = null);

/// <summary>
/// First enrolment, on the device: makes its key, which never leaves the directory, asks for a certificate over EST, and writes the home that <c>device run</c> starts from.
/// It can be broken off and begun again at any moment: the key stays the same, so a request that waits for a person is recognised.
/// </summary>
public static class DeviceEnrolment
{
    private static readonly JsonSerializerOptions Indented = new() { WriteIndented = true };

    /// <param name="options">Who, where, with what.</param>
    /// <param name="waiting">Told each time the center says that a person has to look first.</param>
    /// <param name="time">Clock and pauses.</param>
    /// <param name="cancellationToken">Ends the waiting; what was begun can be gone on with.</param>
    /// <exception cref="AgentException">One clear line.</exception>
    public static async Task EnrolAsync(EnrolmentOptions options, Action<string> waiting, TimeProvider time, CancellationToken cancellationToken)
    {
        if (!Topics.IsDeviceName(options.Name)) throw new AgentException($"'{options.Name}' is not a device's name ([a-z0-9][a-z0-9._-]{{0,62}})");
        if (File.Exists(Path.Combine(options.Directory, "device.json"))) throw new AgentException($"{options.Directory} is a device's directory already; choose another, or remove it");
        try
        {
            await MakeAsync(options, waiting, time, cancellationToken);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or PkiException or CryptographicException)
        {
            throw new AgentException(e.Message, e);
        }
    }

    private static async Task MakeAsync(EnrolmentOptions options, Action<string> waiting, TimeProvider time, CancellationToken cancellationToken)
    {
        var roots = options.Roots ?? await FetchRootsAsync(options, time, cancellationToken);
        CreatePrivate(options.Directory);
        var file = Path.Combine(options.Directory, options.Name);
        using var key = OpenKey(file + ".key");
        using var est = new EstClient(options.Center, roots, options.Made, null, time);
        var request = EstClient.RequestFor(options.Name, key);
        X509Certificate2 leaf;
        while (true)
        {
            var answer = options.Made is null ? await est.EnrolAsync(request, options.Name, options.Token ?? "", cancellationToken) : await est.EnrolMadeAsync(request, cancellationToken);
            if (answer.Refusal is { } refusal) throw new AgentException($"the center refuses: {refusal}");
            if (answer.Certificate is { } got)
            {
                leaf = got;
                break;
            }

            waiting(Fingerprint(key));
            await Task.Delay(answer.RetryAfter!.Value, time, cancellationToken);
        }

        var authorities = await est.AuthoritiesAsync(cancellationToken);
        DeviceFiles.RequireOwn(leaf, key, options.Name);
        PemFile.Write(file + ".crt", DeviceFiles.WithIssuers(leaf, authorities));
        PemFile.Write(Path.Combine(options.Directory, "root.crt"), DeviceFiles.RootsOf(authorities));
        using var own = PemFile.ReadWithKey(file + ".crt", file + ".key");
        using var asItself = new EstClient(options.Center, DeviceFiles.Roots(authorities), own, [.. PemFile.Read(file + ".crt").Skip(1)], time);
        var facts = await asItself.HomeAsync(cancellationToken);
        DeviceFiles.WriteSigner(options.Directory, facts.Signer, DeviceFiles.Roots(authorities), time);
        CreatePrivate(Path.Combine(options.Directory, "state"));
        // Last: with it the directory is a device's home.
        WriteSettings(options, facts);
    }

    private static async Task<X509Certificate2Collection> FetchRootsAsync(EnrolmentOptions options, TimeProvider time, CancellationToken cancellationToken)
    {
        var wanted = (options.RootFingerprint ?? throw new AgentException("say which root to believe: a file, or its SHA-256 fingerprint")).Replace(":", "", StringComparison.Ordinal).ToLowerInvariant();
        using var blind = new EstClient(options.Center, null, null, null, time);
        var root = (await blind.AuthoritiesAsync(cancellationToken)).FirstOrDefault(c => Convert.ToHexStringLower(c.GetCertHash(HashAlgorithmName.SHA256)) == wanted)
            ?? throw new AgentException($"{options.Center} does not hand out the root with the fingerprint {wanted}: it is another center, or somebody in between");
        return [root];
    }

    private static ECDsa OpenKey(string path)
    {
        if (File.Exists(path)) return KeyFile.Load(path) as ECDsa ?? throw new AgentException($"{path} is not a P-256 key; remove it to begin anew");
        var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        KeyFile.Save(path, key);
        return key;
    }

    private static void WriteSettings(EnrolmentOptions options, HomeFacts facts)
    {
        // The center is reached under this name from here, and its broker runs beside it, unless it says otherwise.
        var port = facts.Broker[(facts.Broker.LastIndexOf(':') + 1)..];
        var settings = new JsonObject
        {
            ["version"] = 1, ["name"] = options.Name, ["kind"] = facts.Kind, ["broker"] = facts.BrokerIsElsewhere ? facts.Broker : $"{options.Center.Host}:{port}", ["center"] = facts.Center,
            ["commands"] = new JsonArray([.. facts.Commands.Select(c => JsonValue.Create(c))]), ["renewal"] = options.Center.GetLeftPart(UriPartial.Authority),
        };
        if (facts.Mqtt is { } version) settings["mqtt"] = version;
        var path = Path.Combine(options.Directory, "device.json");
        DeviceSettings.Parse(JsonSerializer.SerializeToUtf8Bytes(settings), path); // the device must be able to read it
        PemFile.Write(path, settings.ToJsonString(Indented) + "\n");
    }

    private static void CreatePrivate(string directory)
    {
        if (OperatingSystem.IsWindows()) Directory.CreateDirectory(directory);
        else Directory.CreateDirectory(directory, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
    }

    private static string Fingerprint(ECDsa key) => CertificateFacts.KeyThumbprint(new PublicKey(key));
}
