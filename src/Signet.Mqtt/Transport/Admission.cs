using System.Net;

namespace Signet.Mqtt.Broker.Transport;

/// <summary>Who may begin a handshake: bounded at once, at once from one address, and in rate. Memory and CPU before authentication stay bounded.</summary>
internal sealed class Admission(ListenerOptions options, TimeProvider time)
{
    private readonly Lock gate = new();
    private readonly Dictionary<IPAddress, int> perAddress = [];
    private int halfOpen;
    private double owed;
    private long filledAt = time.GetTimestamp();

    public bool TryEnter(IPAddress? address, out string full)
    {
        lock (gate)
        {
            var mine = address is null ? 0 : perAddress.GetValueOrDefault(address);
            full = "";
            if (halfOpen >= options.MaximumHalfOpen) full = $"{options.MaximumHalfOpen} handshakes are under way";
            else if (mine >= options.MaximumHalfOpenPerAddress) full = $"{options.MaximumHalfOpenPerAddress} handshakes from this address are under way";
            else if (!TakeToken()) full = $"more than {options.ConnectionsPerSecond} new connections a second";
            if (full.Length > 0) return false;
            halfOpen++;
            if (address is not null) perAddress[address] = mine + 1;
            return true;
        }
    }

    public void Leave(IPAddress? address)
    {
        lock (gate)
        {
            halfOpen--;
            if (address is null) return;
            if (perAddress[address] == 1) perAddress.Remove(address);
            else perAddress[address]--;
        }
    }

    private bool TakeToken()
    {
        if (options.ConnectionsPerSecond is not { } rate) return true;
        var now = time.GetTimestamp();
        owed = Math.Max(0, owed - (time.GetElapsedTime(filledAt, now).TotalSeconds * rate));
        filledAt = now;
        if (owed + 1 > rate * 2) return false;
        owed++;
        return true;
    }
}
