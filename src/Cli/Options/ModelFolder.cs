using PromptToPrompt.Diffusion;

namespace PromptToPrompt.Cli.Options;

/// <summary>Finds models by path or by name.</summary>
internal static class ModelFolder
{
    /// <summary>A model: a file as it is given, else a directory or name as for <see cref="Find"/>.</summary>
    /// <exception cref="InvalidInputException">There is none.</exception>
    public static string FindModel(string name, string option = "--model") => File.Exists(name) ? Path.GetFullPath(name) : Find(name, option);

    /// <summary>
    /// A directory as it is given; else <c>models/NAME</c> in the current directory, the program's, or one above either of them.
    /// </summary>
    /// <param name="name">The path or name.</param>
    /// <param name="option">The option it was given by.</param>
    /// <param name="file">A file that such a folder has.</param>
    /// <param name="maker">The command that makes one.</param>
    /// <exception cref="InvalidInputException">There is none.</exception>
    public static string Find(string name, string option = "--model", string file = "model_index.json", string maker = "p2p train")
    {
        if (Directory.Exists(name))
            return Path.GetFullPath(name);
        if (name.Length > 0 && name.IndexOfAny(['/', '\\']) < 0)
        {
            var found = Above(Directory.GetCurrentDirectory()).Concat(Above(AppContext.BaseDirectory))
                .Select(folder => Path.Combine(folder, "models", name))
                .FirstOrDefault(folder => File.Exists(Path.Combine(folder, file)));
            if (found is not null)
                return found;
        }

        throw new InvalidInputException(
            $"{option}: there is no directory or file \"{name}\", and no models/{name} here or above; give the path of one, or make one with {maker}.");
    }

    private static IEnumerable<string> Above(string start)
    {
        for (DirectoryInfo? folder = new(start); folder is not null; folder = folder.Parent)
            yield return folder.FullName;
    }
}
