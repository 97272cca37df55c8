using System.Security.Cryptography;

namespace Signet.Lab;

/// <summary>What one run's attacks share. The seed fixes the order of attacks and all hostile bytes; keys, nonces and ids are truly random and differ from run to run.</summary>
public sealed class LabContext : IDisposable
{
    private readonly Lazy<LabIdentities> _identities;

    public LabContext(string scratch, int seed, TimeProvider time, RandomNumberGenerator secrets)
    {
        (Scratch, Seed, Time, Secrets) = (scratch, seed, time, secrets);
        _identities = new(() => new LabIdentities(Directory.CreateDirectory(Path.Combine(Scratch, "identities")).FullName, Time, Secrets));
    }

    /// <summary>A folder of this run alone; removed at its end.</summary>
    public string Scratch { get; }
    public int Seed { get; }
    public TimeProvider Time { get; }
    public RandomNumberGenerator Secrets { get; }
    public LabIdentities Identities => _identities.Value;

    /// <summary>Hostile bytes for one attack: the same for the same seed and name.</summary>
    public Random RandomFor(string name) => new(name.Aggregate(Seed, (hash, c) => unchecked(hash * 31 + c)));

    public void Dispose()
    {
        if (_identities.IsValueCreated) _identities.Value.Dispose();
    }
}
