using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Microsoft.Extensions.Logging;
using Signet.Pki;

namespace Signet.Agent;

/// <summary>
/// Renews the certificate of a home by itself: from two thirds of its life on, at a moment of its own so that a fleet does not come at once; also after its end, for a device that was away.
/// New key, new certificate, and the roots and the command signer of that day. The old pair stays until the new one is whole.
/// </summary>
public sealed class DeviceRenewal
{
    private readonly string _directory;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly double _share;

    public DeviceRenewal(string directory, TimeProvider time, RandomNumberGenerator random, ILogger logger)
    {
        (_directory, _time, _logger) = (directory, time, logger);
        Span<byte> bytes = stackalloc byte[4];
        random.GetBytes(bytes);
        _share = AgentLimits.RenewAfter + (AgentLimits.RenewJitter * BinaryPrimitives.ReadUInt32LittleEndian(bytes) / uint.MaxValue);
    }

    /// <summary>When it becomes due; null when the home names nobody to ask (<c>renewal</c> in device.json).</summary>
    /// <exception cref="AgentException">The home cannot be read.</exception>
    public DateTimeOffset? Due()
    {
        var settings = Settings();
        if (settings.Renewal is null) return null;
        using var present = Present(settings);
        var (starts, ends) = (new DateTimeOffset(present.NotBefore.ToUniversalTime()), new DateTimeOffset(present.NotAfter.ToUniversalTime()));
        return starts + ((ends - starts) * _share);
    }

    /// <summary>The present certificate has ended.</summary>
    public bool IsOver()
    {
        using var present = Present(Settings());
        return _time.GetUtcNow() > new DateTimeOffset(present.NotAfter.ToUniversalTime());
    }

    /// <summary>Waits until it is due and has been done. Failures are said and tried again; it ends only with success or when cancelled.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        var pause = AgentLimits.FirstEstPause;
        while (true)
        {
            try
            {
                // Null: somebody may write an address into device.json some day.
                var wait = Due() is { } due ? due - _time.GetUtcNow() : AgentLimits.LongestEstPause;
                if (wait > TimeSpan.Zero)
                {
                    await DelayAsync(wait, cancellationToken);
                    continue;
                }

                if (await RenewAsync(cancellationToken) is not { } refusal) return;
                Log.NotRenewed(_logger, refusal);
            }
            catch (AgentException e)
            {
                Log.NotRenewed(_logger, e.Message);
            }

            await DelayAsync(pause, cancellationToken);
            pause = pause * 2 < AgentLimits.LongestEstPause ? pause * 2 : AgentLimits.LongestEstPause;
        }
    }

    /// <summary>Once, now.</summary>
    /// <returns>Why not; null when it was done.</returns>
    /// <exception cref="AgentException">The center cannot be reached, or the home cannot be read or written.</exception>
    public async Task<string?> RenewAsync(CancellationToken cancellationToken)
    {
        try
        {
            var settings = Settings();
            var center = settings.Renewal ?? throw new AgentException($"{_directory}/device.json names no center to renew with (\"renewal\")");
            var file = Path.Combine(_directory, settings.Name);
            using var present = PemFile.ReadWithKey(file + ".crt", file + ".key");
            X509Certificate2Collection sent = [.. PemFile.Read(file + ".crt").Skip(1)];
            var roots = PemFile.Read(Path.Combine(_directory, "root.crt"));
            using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
            using var est = new EstClient(center, roots, present, sent, _time);
            var answer = await est.RenewAsync(EstClient.RequestFor(settings.Name, key), cancellationToken);
            if (answer.Certificate is not { } leaf) return answer.Refusal ?? "the center asks to wait";
            DeviceFiles.RequireOwn(leaf, key, settings.Name);
            await TakeAsync(settings.Name, center, leaf, key, roots, cancellationToken);
            Log.Renewed(_logger, settings.Name, new DateTimeOffset(leaf.NotAfter.ToUniversalTime()));
            return null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or PkiException or CryptographicException)
        {
            throw new AgentException(e.Message, e);
        }
    }

    // The new certificate opens the rest: an expired one gets nothing but the renewal itself.
    private async Task TakeAsync(string name, Uri center, X509Certificate2 leaf, ECDsa key, X509Certificate2Collection roots, CancellationToken cancellationToken)
    {
        using var own = leaf.CopyWithPrivateKey(key);
        using var portable = X509CertificateLoader.LoadPkcs12(own.Export(X509ContentType.Pkcs12), null);
        using var est = new EstClient(center, roots, portable, null, _time);
        var authorities = await est.AuthoritiesAsync(cancellationToken);
        var facts = await est.HomeAsync(cancellationToken);
        PemFile.Write(Path.Combine(_directory, "root.crt"), DeviceFiles.RootsOf(authorities));
        DeviceFiles.WriteSigner(_directory, facts.Signer, DeviceFiles.Roots(authorities), _time);
        KeyFile.Save(DeviceFiles.NextKey(_directory, name), key);
        DeviceFiles.Replace(_directory, name, DeviceFiles.WithIssuers(leaf, authorities));
    }

    private DeviceSettings Settings()
    {
        var path = Path.Combine(_directory, "device.json");
        if (!File.Exists(path)) throw DeviceHome.NoDevice(_directory);
        try
        {
            return DeviceSettings.Parse(File.ReadAllBytes(path), path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new AgentException($"cannot read {path}: {e.Message}", e);
        }
    }

    private X509Certificate2 Present(DeviceSettings settings)
    {
        DeviceFiles.Recover(_directory, settings.Name);
        try
        {
            return PemFile.Read(Path.Combine(_directory, settings.Name + ".crt"))[0];
        }
        catch (PkiException e)
        {
            throw new AgentException(e.Message, e);
        }
    }

    // A timer holds at most 49 days.
    private Task DelayAsync(TimeSpan by, CancellationToken cancellationToken) => Task.Delay(by < AgentLimits.LongestEstPause ? by : AgentLimits.LongestEstPause, _time, cancellationToken);
}
