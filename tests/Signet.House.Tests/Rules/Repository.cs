namespace Signet.House.Tests.Rules;

/// <summary>The checkout that these tests were built from.</summary>
internal static class Repository
{
    public static string Root { get; } = Find();

    public static string PathOf(params string[] parts) => Path.Combine([Root, .. parts]);

    private static string Find()
    {
        // The build writes the root into the assembly, so that the tests run from any folder.
        var root = typeof(Repository).Assembly.GetCustomAttributes(typeof(System.Reflection.AssemblyMetadataAttribute), inherit: false)
            .Cast<System.Reflection.AssemblyMetadataAttribute>().Single(attribute => attribute.Key == "RepositoryRoot").Value!;
        return Directory.Exists(root) ? root : throw new DirectoryNotFoundException($"The tests were built in {root}, which is gone: build again.");
    }
}
