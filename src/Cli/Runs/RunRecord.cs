using System.CommandLine;
using System.CommandLine.Help;
using System.Reflection;
using System.Text.Json;
using System.Text.Json.Nodes;
using PromptToPrompt.Diffusion.Pipelines;
using PromptToPrompt.Diffusion.Schedulers;
using PromptToPrompt.Editing.Sessions;

namespace PromptToPrompt.Cli.Runs;

/// <summary>What is written about a run, so that it can be repeated exactly.</summary>
internal static class RunRecord
{
    public static string Version { get; } =
        typeof(RunRecord).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()!.InformationalVersion.Split('+')[0];

    public static JsonObject Create(ParseResult parse, StableDiffusionModel model, EditRequest request, EditResult result) => new()
    {
        ["command"] = parse.CommandResult.Command.Name,
        ["version"] = Version,
        ["arguments"] = Json.Array(parse.Tokens.Select(token => token.Value)),
        ["source"] = request.Source,
        ["targets"] = Json.Array(request.Targets),
        ["model"] = model.Directory,
        ["device"] = model.Device.ToString(),
        ["scheduler"] = result.Sampler.Name(),
        ["timesteps"] = Json.Array(result.Timesteps),
        ["width"] = result.Pictures[0].Width,
        ["height"] = result.Pictures[0].Height,
        ["options"] = Options(parse, request, result),
    };

    // Every option of the command with the value that counted, defaults included.
    private static JsonObject Options(ParseResult parse, EditRequest request, EditResult result)
    {
        var options = new JsonObject();
        foreach (var option in parse.CommandResult.Command.Options.Where(option => option is not HelpOption))
        {
            options[option.Name.TrimStart('-')] = parse.GetValue<object>(option.Name) switch
            {
                ValueTuple<int, int> size => $"{size.Item1}x{size.Item2}",
                var value => JsonSerializer.SerializeToNode(value),
            };
        }

        // An inversion decides these, whatever the defaults are.
        options["steps"] = request.Steps;
        options["guidance"] = request.Guidance;
        options["steps-offset"] = request.StepsOffset;
        options["scheduler"] = result.Sampler.Name();
        return options;
    }
}
