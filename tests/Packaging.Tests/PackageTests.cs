using System.IO.Compression;
using System.Runtime.InteropServices;
using System.Xml.Linq;

namespace PromptToPrompt.Packaging.Tests;

[Trait("Category", "Process")]
public sealed class PackageTests(PackedFolder packed) : IClassFixture<PackedFolder>
{
    private const string Consumer =
        """
        using PromptToPrompt;

        using var pipeline = PromptToPromptPipeline.Load();
        using var house = pipeline.Generate("a white house in a field", new() { Seed = 4, Steps = 2 });
        using var red = house.Edit("a (red:1.5) house in a field", new() { Blend = "house" });
        red.Image.SavePng("edit.png");
        """;

    [Fact]
    public void TheLibraryHasBothAssembliesAndTheModelAndNoLibtorch()
    {
        using var package = ZipFile.OpenRead(packed.Package("PromptToPrompt"));
        var files = package.Entries.Select(entry => entry.FullName).ToList();
        Assert.Equal(
            ["PromptToPrompt.Diffusion.dll", "PromptToPrompt.Diffusion.xml", "PromptToPrompt.Editing.dll", "PromptToPrompt.Editing.xml"],
            files.Where(file => file.StartsWith("lib/net10.0/", StringComparison.Ordinal)).Select(Path.GetFileName).Order());
        Assert.Contains("models/storybook/model_index.json", files);
        Assert.Contains("README.md", files);
        Assert.DoesNotContain(files, file => file.EndsWith(".so", StringComparison.Ordinal));

        using var stream = package.GetEntry("PromptToPrompt.nuspec")!.Open();
        var dependencies = XDocument.Load(stream).Descendants().Where(element => element.Name.LocalName == "dependency").Select(element => element.Attribute("id")!.Value).ToList();
        Assert.Contains("TorchSharp", dependencies);
        Assert.Contains("SkiaSharp", dependencies);
        Assert.DoesNotContain(dependencies, name => name.StartsWith("libtorch", StringComparison.OrdinalIgnoreCase) || name.StartsWith("PromptToPrompt", StringComparison.Ordinal));
    }

    [Fact]
    public void TheSymbolsAreThoseOfBothAssemblies()
    {
        using var package = ZipFile.OpenRead(Path.ChangeExtension(packed.Package("PromptToPrompt"), ".snupkg"));
        Assert.Equal(
            ["PromptToPrompt.Diffusion.pdb", "PromptToPrompt.Editing.pdb"],
            package.Entries.Select(entry => entry.Name).Where(name => name.EndsWith(".pdb", StringComparison.Ordinal)).Order());
    }

    [Fact]
    public void AProgramThatReferencesTheLibraryEditsAnImage()
    {
        RequireLinux();
        using var folder = new TemporaryFolder();
        var versions = XDocument.Load(Path.Combine(Repository.Folder("src"), "..", "Directory.Packages.props"));
        var torch = versions.Descendants("PackageVersion").Single(package => package.Attribute("Include")!.Value == "libtorch-cpu-linux-x64").Attribute("Version")!.Value;
        // The packages that were just packed stay out of the machine's cache; those that they need are in it, because the build needs them too.
        File.WriteAllText(
            folder["Consumer.csproj"],
            $"""
            <Project Sdk="Microsoft.NET.Sdk">
              <PropertyGroup>
                <OutputType>Exe</OutputType>
                <TargetFramework>net10.0</TargetFramework>
                <ImplicitUsings>enable</ImplicitUsings>
                <RestoreSources>{packed.Packages}</RestoreSources>
                <RestorePackagesPath>{folder["cache"]}</RestorePackagesPath>
                <RestoreFallbackFolders>{MachineCache()}</RestoreFallbackFolders>
                <CreateHardLinksForCopyLocalIfPossible>true</CreateHardLinksForCopyLocalIfPossible>
              </PropertyGroup>
              <ItemGroup>
                <PackageReference Include="PromptToPrompt" Version="*" />
                <PackageReference Include="libtorch-cpu-linux-x64" Version="{torch}" />
              </ItemGroup>
            </Project>
            """);
        File.WriteAllText(folder["Program.cs"], Consumer);
        PackedFolder.Dotnet(folder.Path, ["build", "-o", folder["out"], "-nologo", "-nodeReuse:false", "-p:UseSharedCompilation=false"]);
        PackedFolder.Dotnet(folder.Path, [folder["out/Consumer.dll"]]);
        Assert.True(new FileInfo(folder["edit.png"]).Length > 1000);
    }

    [Fact]
    public void TheInstalledToolEditsAnImage()
    {
        RequireLinux();
        using var folder = new TemporaryFolder();
        PackedFolder.Dotnet(folder.Path, ["tool", "install", "PromptToPrompt.Tool", "--tool-path", folder["tools"], "--source", packed.Packages]);
        PackedFolder.Run(folder["tools/p2p"], folder.Path, ["edit", "a white house in a field", "a red house in a field", "--steps", "2", "--quiet", "-o", folder["run"]]);
        Assert.True(File.Exists(folder["run/source.png"]));
        Assert.True(File.Exists(folder["run/grid.png"]));
    }

    private static void RequireLinux() =>
        Assert.SkipUnless(OperatingSystem.IsLinux() && RuntimeInformation.OSArchitecture == Architecture.X64, "The packages bring libtorch for Linux x64.");

    private static string MachineCache() => Environment.GetEnvironmentVariable("NUGET_PACKAGES")
        ?? Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".nuget", "packages");
}
