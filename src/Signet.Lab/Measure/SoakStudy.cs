namespace Signet.Lab;

/// <summary>Random attacks, one after the other, on houses that work meanwhile: nothing may get through, nothing genuine may be lost, memory may not grow.</summary>
internal static class SoakStudy
{
    public static async Task<SoakResult> RunAsync(LabContext lab, TimeSpan duration, LabOptions options, CancellationToken cancellationToken)
    {
        var random = lab.RandomFor("soak");
        // Attacks that make and revoke certificates are left to the main run: the ledger of a soak would grow by design.
        var attacks = Catalogue.Attacks.Where(a => a.Layer is AttackLayer.Message or AttackLayer.Supply && a.Name != "signature-barrage").ToArray();
        await using var bench = lab.Broker(null);
        await using var center = await bench.CenterAsync(cancellationToken);
        await using var victim = await bench.VictimAsync(cancellationToken);
        await using var attacker = await bench.ConnectAsync(bench.Who.NeighbourDevice, LabIdentities.Neighbour, cancellationToken);
        long attempts = 0, successes = 0, genuine = 0, lost = 0, before = 0;
        var begin = lab.Time.GetTimestamp();
        while (lab.Time.GetElapsedTime(begin) is var passed && passed < duration)
        {
            // What is held after a tenth of the time is what the houses need; what comes on top of it grows.
            if (before == 0 && passed > duration / 10) before = GC.GetTotalMemory(forceFullCollection: true);
            var attack = attacks[random.Next(attacks.Length)];
            var strike = await attack.Secure(lab, null, cancellationToken);
            attempts += strike.Attempts;
            if (strike.Result == StrikeResult.Succeeded) successes++;
            await attacker.PublishAsync(new() { Topic = $"signet/{LabIdentities.Victim}/command", Payload = "hostile"u8.ToArray() }, cancellationToken);
            genuine++;
            await center.PublishAsync(new() { Topic = $"signet/{LabIdentities.Victim}/command", Payload = BitConverter.GetBytes(genuine) }, cancellationToken);
            if (await victim.NextAsync(lab.Time, cancellationToken) is not { } arrived || !arrived.Payload.Span.SequenceEqual(BitConverter.GetBytes(genuine))) lost++;
            if (genuine % 50 == 0) options.Progress?.Report(new("soak", attack.Name, (int)passed.TotalSeconds, (int)duration.TotalSeconds, $"{attempts:#,0} attempts, {successes} successes"));
        }
        return new(lab.Time.GetElapsedTime(begin), attempts, successes, genuine, lost, before, GC.GetTotalMemory(forceFullCollection: true));
    }
}
