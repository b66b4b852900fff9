using System.CommandLine;
using System.Net;
using System.Security.Cryptography;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Console;
using PromptToPrompt.Cli.Help;
using PromptToPrompt.Cli.Options;
using PromptToPrompt.Cli.Rendering;
using PromptToPrompt.Diffusion;
using PromptToPrompt.Diffusion.Images;
using PromptToPrompt.Studio.Engine;
using PromptToPrompt.Studio.Grids;
using PromptToPrompt.Studio.Hosting;

namespace PromptToPrompt.Cli.Commands;

/// <summary><c>p2p serve</c>: starts the web studio.</summary>
internal static class ServeCommand
{
    private const int GridColumns = 4;

    public static Command Create(CancellationToken cancellationToken)
    {
        var model = new ModelOptions();
        var host = Parsed.Of("--host", "Address to listen on. If other machines reach it, visitors need the token", "an address such as 127.0.0.1 or 0.0.0.0", IPAddress.Parse);
        host.DefaultValueFactory = _ => IPAddress.Loopback;
        var port = Parsed.Number("--port", "Port to listen on; 0 for any free port", 5272);
        var token = Parsed.Of("--token", "Token that visitors need. Without it, a random one is printed if --host is an address that other machines reach", "visible ASCII characters", ReadToken, "text");
        var data = new Option<string>("--data") { Description = "Folder for projects and images", HelpName = "folder", DefaultValueFactory = _ => DefaultFolder() };
        var queue = Parsed.Number("--queue", "Maximum number of waiting jobs", new EngineLimits().QueueLength);
        var memory = Parsed.OptionalNumber<int>("--memory", "Memory for recorded sources, in MB [default: 6144, at most half of the machine's memory; on a GPU what it has free but 4096]");
        var also = new Option<string[]>("--also") { Description = "Additional model to offer. Repeatable", HelpName = "dir|file|name" };
        var command = new Command("serve", "Start the web studio") { host, port, token, data, queue, memory, also }.In(HelpGroup.Images);
        var cluster = new ClusterOption("Also show the runs of a cluster, under /runs", isRequired: false).AddTo(command);
        model.AddTo(command);
        command.SetAction(parse =>
        {
            var address = parse.GetValue(host)!;
            if (parse.GetValue(port) is < 0 or > ushort.MaxValue)
                throw new InvalidInputException(port.Name, $"{parse.GetValue(port)} is out of range.", $"Use a number from 0 to {ushort.MaxValue}.");
            InvalidInputException.Require(parse.GetValue(queue) >= 1, queue.Name, $"{parse.GetValue(queue)} is out of range.", "Use 1 or more.");
            InvalidInputException.Require(parse.GetValue(memory) is null or >= 1, memory.Name, $"{parse.GetValue(memory)} is out of range.", "Use 1 or more.");
            var options = new StudioOptions
            {
                Address = address,
                Port = parse.GetValue(port),
                Token = parse.GetValue(token) ?? (IPAddress.IsLoopback(address) ? null : Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(16))),
                DataFolder = parse.GetValue(data)!,
                Models = [model.Offer(parse, quiet: false), .. (parse.GetValue(also) ?? []).Select(name => model.Offer(parse, quiet: false, new FetchedModel(name, ModelOptions.Locate(name, also.Name))))],
                OfferFetched = fetched => model.Offer(parse, quiet: false, fetched),
                Limits = new EngineLimits { QueueLength = parse.GetValue(queue), SessionBytes = (long?)parse.GetValue(memory) << 20 },
                Cluster = cluster.IsGiven(parse) ? cluster.Read(parse) : null,
                DrawGrid = DrawGrid,
                DrawTable = DrawTable,
            };
            Serve(options, cancellationToken).GetAwaiter().GetResult();
            return ExitCode.Done;
        });
        return command;
    }

    // Others could not be sent as a bearer token.
    private static string ReadToken(string text) => text.Length > 0 && text.All(sign => sign is > ' ' and <= '~') ? text : throw new FormatException();

    private static async Task Serve(StudioOptions options, CancellationToken cancellationToken)
    {
        await using var app = StudioServer.Create(options, logging => logging
            .AddConsole(console => console.LogToStandardErrorThreshold = LogLevel.Trace)
            .AddSimpleConsole(format => format.ColorBehavior = LoggerColorBehavior.Disabled)
            .SetMinimumLevel(LogLevel.Warning));
        try
        {
            await app.StartAsync(cancellationToken);
        }
        catch (IOException e)
        {
            throw new InvalidInputException("--port", $"The studio cannot listen at {options.Address}:{options.Port} ({e.Message.TrimEnd('.')}).", "Use another port.", e);
        }

        var listening = app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First();
        Console.Out.WriteLine($"The studio is open at {StudioAddress.Of(options, BindingAddress.Parse(listening).Port).AbsoluteUri}");
        Console.Out.WriteLine($"Projects are stored in {options.DataFolder}. Press Ctrl-C to stop.");
        using var stop = cancellationToken.Register(app.Lifetime.StopApplication);
        await app.WaitForShutdownAsync(CancellationToken.None);
    }

    private static byte[] DrawGrid(IReadOnlyList<(Image Image, string Caption)> images)
    {
        var cells = new List<SheetCell>();
        try
        {
            foreach (var (image, caption) in images)
                cells.Add(new SheetCell(image.ToBitmap(), caption));
            using var sheet = Sheet.Draw(cells, GridColumns, Sheet.CellSide(images[0].Image));
            return Image.EncodePng(sheet);
        }
        finally
        {
            cells.ForEach(cell => cell.Image.Dispose());
        }
    }

    private static byte[] DrawTable(PictureTable table)
    {
        using var sheet = GridSheet.Draw(table);
        return Image.EncodePng(sheet);
    }

    private static string DefaultFolder() =>
        Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.LocalApplicationData, Environment.SpecialFolderOption.DoNotVerify), "p2p-studio");
}
