namespace Signet.Lab;

/// <summary>Where a run writes, and a scratch folder of its own that goes away with it.</summary>
internal sealed class OutputFolder : IDisposable
{
    private OutputFolder(string directory, string scratch) => (Directory, Scratch) = (directory, scratch);

    public string Directory { get; }
    public string Logs => Path.Combine(Directory, "logs");

    /// <summary>Certificates, keys and state of the houses: nobody else's to read.</summary>
    public string Scratch { get; }

    /// <exception cref="LabException">It cannot be made or written.</exception>
    public static OutputFolder Prepare(string directory)
    {
        try
        {
            System.IO.Directory.CreateDirectory(directory);
            var probe = Path.Combine(directory, ".probe");
            File.WriteAllText(probe, "");
            File.Delete(probe);
            var logs = Path.Combine(directory, "logs");
            if (System.IO.Directory.Exists(logs))
                foreach (var old in System.IO.Directory.EnumerateFiles(logs, "*.ndjson")) File.Delete(old);
            return new(directory, System.IO.Directory.CreateTempSubdirectory("signet-lab-").FullName);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new LabException($"cannot write results to {directory}: {e.Message}", e);
        }
    }

    public void Dispose()
    {
        try
        {
            System.IO.Directory.Delete(Scratch, recursive: true);
        }
        catch (IOException)
        {
            // a file is still being closed; the system clears its temporary folder
        }
    }
}
