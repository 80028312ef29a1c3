import ArgumentParser
@main struct Cordwood: AsyncParsableCommand { func run() async throws {} }
