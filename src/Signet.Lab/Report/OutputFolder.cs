namespace Signet.Lab;

/// <summary>
/// Where a run writes, a scratch folder of its own that goes away with it, and a reserve on the disk, so that a run that fills it can still say so. A <c>results.json</c> that has
/// not ended lies there from the first moment: whoever finds it after a kill knows.
/// </summary>
internal sealed class OutputFolder : IDisposable
{
    /// <summary>Report, results and plots of a full run take about 2 MB.</summary>
    private const int ReserveBytes = 4 << 20;

    /// <summary>Runs kept for the console; the oldest go first.</summary>
    private const int Kept = 30;

    private readonly string? _archive;

    private OutputFolder(string directory, string scratch, string? archive) => (Directory, Scratch, _archive) = (directory, scratch, archive);

    public string Directory { get; }
    public string Logs => Path.Combine(Directory, "logs");

    /// <summary>Certificates, keys and state of the houses: nobody else's to read.</summary>
    public string Scratch { get; }

    private string Reserve => Path.Combine(Directory, ".reserve");

    /// <param name="first">Written as <c>results.json</c> at once; null: not.</param>
    /// <exception cref="LabException">It cannot be made or written.</exception>
    public static OutputFolder Prepare(LabOptions options, LabResults? first)
    {
        var directory = options.OutDirectory;
        try
        {
            System.IO.Directory.CreateDirectory(directory);
            var logs = Path.Combine(directory, "logs");
            if (System.IO.Directory.Exists(logs))
                foreach (var old in System.IO.Directory.EnumerateFiles(logs, "*.ndjson")) File.Delete(old);
            System.IO.Directory.CreateDirectory(logs);
            var folder = new OutputFolder(directory, System.IO.Directory.CreateTempSubdirectory("signet-lab-").FullName, options.KeepIn is null ? null : Archive(options.KeepIn, first));
            File.WriteAllBytes(folder.Reserve, new byte[ReserveBytes]);
            if (first is not null) folder.Announce(first);
            return folder;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new LabException($"cannot write results to {directory}: {e.Message}", e);
        }
    }

    /// <summary>Before the report is written: gives the room back that was kept for it.</summary>
    public void ReleaseReserve() => File.Delete(Reserve);

    /// <summary>Copies what the console shows, results and plots, to where it looks for them.</summary>
    public void Keep()
    {
        if (_archive is null) return;
        foreach (var file in System.IO.Directory.EnumerateFiles(Directory, "*.svg").Append(Path.Combine(Directory, "results.json"))) File.Copy(file, Path.Combine(_archive, Path.GetFileName(file)), overwrite: true);
    }

    private void Announce(LabResults first)
    {
        foreach (var place in new[] { Directory, _archive }.OfType<string>()) File.WriteAllText(Path.Combine(place, "results.json"), first.ToJson().ToJsonString() + "\n");
    }

    // One folder a run, named so that sorting by name sorts by time; two runs of one second differ in the process.
    private static string Archive(string directory, LabResults? first)
    {
        System.IO.Directory.CreateDirectory(directory);
        foreach (var old in System.IO.Directory.EnumerateDirectories(directory).Where(d => File.Exists(Path.Combine(d, "results.json"))).OrderDescending(StringComparer.Ordinal).Skip(Kept - 1)) System.IO.Directory.Delete(old, recursive: true);
        var started = (first?.Started ?? DateTimeOffset.UnixEpoch).UtcDateTime.ToString("yyyyMMdd-HHmmss", System.Globalization.CultureInfo.InvariantCulture);
        return System.IO.Directory.CreateDirectory(Path.Combine(directory, $"{started}-{Environment.ProcessId}")).FullName;
    }

    public void Dispose()
    {
        try
        {
            ReleaseReserve();
            System.IO.Directory.Delete(Scratch, recursive: true);
        }
        catch (IOException)
        {
            // a file is still being closed; the system clears its temporary folder
        }
    }
}
