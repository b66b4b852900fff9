using System.CommandLine;
using System.Text.Json.Nodes;
using PromptToPrompt.Cli.Options;
using PromptToPrompt.Cli.Runs;
using PromptToPrompt.Diffusion;
using PromptToPrompt.Diffusion.Native;
using PromptToPrompt.Diffusion.Storage.Files;
using PromptToPrompt.Diffusion.Storage.Models;
using PromptToPrompt.Editing.Prompts;

namespace PromptToPrompt.Cli.Commands;

/// <summary><c>p2p models convert</c>: a model in another format or type.</summary>
internal static class ModelConvertCommand
{
    private const string Diffusers = "directory";
    private const string SingleFile = "single-file";
    private const string Stored = "stored";
    private const string Extension = ".safetensors";

    public static Command Create(CancellationToken cancellationToken)
    {
        var model = ModelsCommand.Model();
        var output = new Option<string>("--output", "-o") { Description = "Directory or .safetensors file to write", HelpName = "path", Required = true };
        var to = Parsed.Choice("--to", "Format: diffusers directory, or single file in the original layout", Diffusers, Diffusers, SingleFile);
        var dtype = Parsed.Choice("--dtype", "Data type of the written weights", Stored, [Stored, .. StoredTypes.Names]);
        var command = new Command("convert", "Convert a model to a diffusers directory or a single file") { model, output, to, dtype };
        var checkpoint = new CheckpointOptions().AddTo(command).AddLorasTo(command);
        var report = new ReportOptions().AddTo(command);
        command.SetAction(parse =>
        {
            var from = ModelOptions.Locate(parse.GetValue(model)!, "model");
            var path = Path.GetFullPath(parse.GetValue(output)!);
            var isFile = parse.GetValue(to) == SingleFile;
            RequireFree(path, isFile);
            AtomicFile.RequireNoDevice(path);
            RunFolder.RequireWritable(isFile ? Path.GetDirectoryName(path)! : path, parse.GetValue(output)!, files: isFile ? [Path.GetFileName(path)] : []);
            LibTorch.EnsureLoaded();
            TorchSharp.torch.ScalarType? type = parse.GetValue(dtype) is var name && name == Stored ? null : StoredTypes.Parse(name!);
            if (isFile)
            {
                ModelConverter.ToSingleFile(from, path, type, checkpoint.Read(parse), cancellationToken);
            }
            else
            {
                ModelConverter.ToDirectory(from, path, type, checkpoint.Read(parse), cancellationToken);
                ModelWords.Copy(from, path);
            }

            if (report.Json(parse))
                Console.Out.WriteLine(Json.Line(new JsonObject { ["command"] = "models convert", ["from"] = from, ["model"] = path }));
            else if (!report.Quiet(parse))
                Console.Out.WriteLine(path);
            return ExitCode.Done;
        });
        return command;
    }

    // A model can be hours of training or downloading, so nothing is overwritten.
    private static void RequireFree(string path, bool isFile)
    {
        if (isFile && !path.EndsWith(Extension, StringComparison.OrdinalIgnoreCase))
            throw new InvalidInputException("--output", $"{path} does not end in {Extension}, which --to {SingleFile} needs.", advice: null);
        if (isFile ? File.Exists(path) : File.Exists(Path.Combine(path, "model_index.json")) || File.Exists(path))
            throw new InvalidInputException("--output", $"{path} already exists.", "Use another name, or delete it first.");
    }
}
