namespace PromptToPrompt.Diffusion.Native;

/// <summary>Finds the native libraries of the program's packages.</summary>
internal static class NativeSearchPath
{
    /// <summary>The directories that the runtime searches: those of the packages' native files and the program's own.</summary>
    public static IReadOnlyList<string> Directories { get; } =
    [
        .. ((AppContext.GetData("NATIVE_DLL_SEARCH_DIRECTORIES") as string) ?? "")
            .Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries)
            .Append(AppContext.BaseDirectory)
            .Select(Path.TrimEndingDirectorySeparator)
            .Distinct(),
    ];

    /// <summary>The file name of a library on this system, for example <c>libtorch.so</c> for <c>torch</c>.</summary>
    public static string FileName(string library) =>
        OperatingSystem.IsWindows() ? $"{library}.dll" : OperatingSystem.IsMacOS() ? $"lib{library}.dylib" : $"lib{library}.so";

    /// <summary>The first file of a library in the search path; null if it is missing.</summary>
    public static string? Find(string library) =>
        Directories.Select(directory => Path.Combine(directory, FileName(library))).FirstOrDefault(File.Exists);
}
